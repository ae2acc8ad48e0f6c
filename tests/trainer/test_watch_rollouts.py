"""Sampled rollouts: whole groups, the same ones on every run, whole files only."""

from __future__ import annotations

import pytest

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.rollout_log import RolloutLog, RolloutRecord, kept_problems, read_rollouts, rollout_files


def records(problem: int, text: str = "\u2028 \U0001f600") -> list[RolloutRecord]:
    """A group of one right response, one wrong one and one that the verifier failed on."""
    judged = [("correct", 1.0, 1.5), ("wrong", 0.0, -0.5), ("verifier_error", None, None)]
    return [
        RolloutRecord(
            problem_id=f"p{problem}",
            prompt="1 + 1 =\n",
            response=f"\\boxed{{{sample}}} {text}",
            status=status,
            reward=reward,
            advantage=advantage,
            finish_reason="stop",
            num_tokens=7,
            seed=10 * problem + sample,
        )
        for sample, (status, reward, advantage) in enumerate(judged)
    ]


def test_everything_written_comes_back(tmp_path):
    written = [*records(1), *records(0)]
    RolloutLog(tmp_path).write(12, written)
    ((step, path),) = rollout_files(tmp_path)
    assert (step, path.name) == (12, "step_000012.jsonl")
    assert read_rollouts(path) == written


def test_a_step_done_again_replaces_its_file(tmp_path):
    log = RolloutLog(tmp_path)
    log.write(3, records(1))
    log.write(3, records(2))
    assert [read_rollouts(path) for _, path in rollout_files(tmp_path)] == [records(2)]


def test_a_step_without_records_leaves_no_file(tmp_path):
    RolloutLog(tmp_path).write(1, [])
    assert rollout_files(tmp_path) == []


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (0.01, 1), (0.25, 2), (0.5, 4), (1.0, 8)])
def test_the_share_is_of_groups(share, kept):
    ids = [f"p{i}" for i in range(8)]
    chosen = kept_problems(1, ids, share)
    assert len(chosen) == kept
    assert chosen <= set(ids)


def test_the_sample_depends_on_step_and_problem_only():
    ids = [f"p{i}" for i in range(16)]
    assert kept_problems(3, ids, 0.25) == kept_problems(3, ids[::-1] * 2, 0.25)
    assert len({frozenset(kept_problems(step, ids, 0.25)) for step in range(20)}) > 10


def test_truncate_after_deletes_what_a_resume_will_redo(tmp_path):
    log = RolloutLog(tmp_path)
    for step in (5, 10, 15):
        log.write(step, records(1))
    (tmp_path / "rollouts" / "notes.txt").write_text("mine")
    log.truncate_after(10)
    assert [step for step, _ in rollout_files(tmp_path)] == [5, 10]
    assert (tmp_path / "rollouts" / "notes.txt").exists()


def test_text_that_is_no_unicode_never_stops_a_run(tmp_path):
    RolloutLog(tmp_path).write(1, records(1, text="a\ud800b"))
    assert read_rollouts(rollout_files(tmp_path)[0][1])[0].response == "\\boxed{0} a?b"


def test_a_damaged_file_is_named_with_its_line(tmp_path):
    RolloutLog(tmp_path).write(1, records(1))
    path = rollout_files(tmp_path)[0][1]
    path.write_text(path.read_text() + '{"problem_id": "p"}\n')
    with pytest.raises(RunFolderError, match=r"step_000001\.jsonl:4"):
        read_rollouts(path)
