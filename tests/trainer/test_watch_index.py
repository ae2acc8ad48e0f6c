"""The index of rollouts: filters against a slow search, pages, new and replaced and damaged files."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from or1_trainer.metrics.rollout_log import RolloutLog, read_rollouts, rollout_files
from or1_trainer.watch.query import Query
from or1_trainer.watch.rollouts import RolloutIndex

sys.path.append(str(Path(__file__).parent))
from watched_run import new_run, record, write_steps


def indexed(run) -> RolloutIndex:
    index = RolloutIndex(run)
    index.refresh()
    return index


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        (Query(limit=200), lambda step, r: True),
        (Query(limit=200, problem="1"), lambda step, r: r.problem_id == "p1"),
        (Query(limit=200, status="correct"), lambda step, r: r.status == "correct"),
        (Query(limit=200, text="group 1 sample 2"), lambda step, r: "group 1 sample 2" in r.response),
        (Query(limit=200, text="What is 0"), lambda step, r: r.prompt == "What is 0?"),
        (Query(limit=200, step_low=2, step_high=3), lambda step, r: 2 <= step <= 3),
        (Query(limit=200, advantage_low=0), lambda step, r: r.advantage is not None and r.advantage >= 0),
        (Query(limit=200, advantage_high=-1), lambda step, r: r.advantage is not None and r.advantage <= -1),
        (Query(limit=200, tokens_low=12, tokens_high=31), lambda step, r: 12 <= r.num_tokens <= 31),
        (Query(limit=200, problem="p0", status="wrong", tokens_high=22, text="<script>"),
         lambda step, r: r.problem_id == "p0" and r.status == "wrong" and r.num_tokens <= 22),
    ],
)  # fmt: skip
def test_every_filter_finds_what_a_slow_search_finds(tmp_path, query, passes):
    run = new_run(tmp_path / "run", 4)
    everything = [(step, r) for step, path in reversed(rollout_files(run)) for r in read_rollouts(path)]
    expected = [(step, r) for step, r in everything if passes(step, r)]
    page = indexed(run).search(query)
    assert [(entry.step, r) for entry, r in page.rows] == expected and page.total == len(expected) > 0


def test_pages_cover_everything_once(tmp_path):
    index = indexed(new_run(tmp_path / "run", 5))
    pages = [index.search(Query(offset=offset, limit=7)) for offset in range(0, 40, 7)]
    assert {page.total for page in pages} == {40} == {len(index)}
    rows = list(itertools.chain.from_iterable(page.rows for page in pages))
    assert len({(entry.step, entry.number) for entry, _ in rows}) == 40 == len(rows)
    assert all(index.record(entry.step, entry.number) == r for entry, r in rows)


def test_new_replaced_and_removed_files_are_seen(tmp_path):
    run = new_run(tmp_path / "run", 2)
    index = indexed(run)
    write_steps(run, 3, 3)
    index.refresh()
    assert len(index) == 24
    RolloutLog(run).write(2, [record(2, 5, 0)])
    RolloutLog(run).truncate_after(2)
    index.refresh()
    assert len(index) == 9
    assert [r.problem_id for _, r in index.search(Query(step_low=2)).rows] == ["p5"]


def test_damaged_files_and_lines_are_left_out_with_a_message(tmp_path):
    run = new_run(tmp_path / "run", 3)
    first, second, _ = (path for _, path in rollout_files(run))
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(lines[0] + b'{"problem_id": 3}\n' + b'{"problem_id": "\xff\xfe"}\n' + lines[3][:50])
    second.write_bytes(b"\x00\xff\n")
    index = indexed(run)
    assert [text.split(":")[1] for text in index.messages] == ["4", "1"], "the last damaged line of each file"
    assert len(index) == 1 + 8
    assert index.search(Query(text="sample 0")).total == 1 + 2


def test_a_run_without_rollouts_and_a_file_that_goes_away_meanwhile(tmp_path):
    empty = indexed(new_run(tmp_path / "bare", 2, rollouts=False))
    assert empty.search(Query()).rows == [] and empty.statuses == [] and empty.messages == []
    assert empty.of_problem("p0", 1) == [] and empty.record(1, 0) is None
    run = new_run(tmp_path / "run", 1)
    index = indexed(run)
    rollout_files(run)[0][1].unlink()
    assert index.search(Query()).rows == [] and index.record(1, 0) is None


def test_the_nearest_step_with_a_problem_is_taken(tmp_path):
    run = new_run(tmp_path / "run", 6)
    RolloutLog(run).write(4, [record(4, 1, 0)])  # no p0 in step 4
    index = indexed(run)
    found = index.of_problem("p0", 4)
    assert [(entry.step, r.problem_id) for entry, r in found] == [(3, "p0")] * 4
    assert found[0][1].logprobs == [-0.25, -7.0]
