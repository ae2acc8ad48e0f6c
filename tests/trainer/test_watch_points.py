"""Rows of a run that is being written, resumed or damaged; thinning that keeps spikes."""

from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path

from or1_trainer.metrics.log import MetricsLog, encode_row
from or1_trainer.watch.points import MetricsTail, thinned

sys.path.append(str(Path(__file__).parent))
from watched_run import new_run, row


def steps(tail: MetricsTail) -> list[int]:
    return [int(found["step"]) for found in tail.rows]


def test_only_complete_lines_are_read_whatever_the_cuts_of_the_writes(tmp_path):
    content = b"".join(encode_row(row(step)) for step in range(1, 30))
    ends = {len(b"".join(encode_row(row(s)) for s in range(1, step + 1))): step for step in range(30)}
    tail, written, draw = MetricsTail(tmp_path), 0, random.Random(0)
    tail.poll()
    assert tail.rows == [], "there is no file yet"
    while written < len(content):
        more = draw.randrange(1, 400)
        with tail.path.open("ab") as file:
            file.write(content[written : written + more])
        written = min(len(content), written + more)
        tail.poll()
        assert len(tail.rows) == ends[max(end for end in ends if end <= written)]
    tail.poll()
    assert steps(tail) == list(range(1, 30)) and tail.messages == [] and tail.generation == 0


def test_a_resume_that_cuts_rows_is_noticed_and_its_new_rows_count(tmp_path):
    run = new_run(tmp_path / "run", 8)
    tail = MetricsTail(run)
    tail.poll()
    before = tail.generation
    assert [(alarm.step, alarm.name) for alarm in tail.alarms] == [(7, "verifier errors")]
    log = MetricsLog(run)
    log.truncate_after(4)
    for step in range(5, 10):  # as long as the old file, and longer: the size alone tells nothing
        log.append({**row(step), "reward/mean": 9.0, "reward/verifier_errors": 0})
    tail.poll()
    assert tail.generation > before
    assert steps(tail) == list(range(1, 10))
    assert tail.points("reward/mean")[3:6] == [(4, 0.04), (5, 9.0), (6, 9.0)]
    assert tail.alarms == [], "the alarm was of a row that is gone"


def test_a_file_that_is_cut_in_place_or_vanishes_is_read_anew(tmp_path):
    run = new_run(tmp_path / "run", 3)
    tail = MetricsTail(run)
    tail.poll()
    tail.path.write_bytes(encode_row(row(1)))
    tail.poll()
    assert steps(tail) == [1] and tail.generation == 1
    tail.path.unlink()
    tail.poll()
    assert tail.rows == [] and tail.generation == 2
    tail.poll()
    assert tail.rows == [] and tail.generation == 2


def test_damaged_lines_are_left_out_with_a_message(tmp_path):
    run = new_run(tmp_path / "run", 2)
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b'\xff\xfe{"step"\n[1]\n' + encode_row(row(2)) + encode_row(row(3)) + b'{"step": 4')
    tail = MetricsTail(run)
    tail.poll()
    assert steps(tail) == [1, 2, 3]
    assert len(tail.messages) == 3
    assert all(f"metrics.jsonl:{line}:" in text for line, text in zip((3, 4, 5), tail.messages, strict=True))


def test_values_that_are_no_numbers_do_not_reach_a_chart(tmp_path):
    tail = MetricsTail(new_run(tmp_path / "run", 1))
    with tail.path.open("ab") as file:
        file.write(json.dumps({"step": 2, "reward/mean": "NaN", "policy/entropy": "odd"}).encode() + b"\n")
    tail.poll()
    (_, (step, value)) = tail.points("reward/mean")
    assert step == 2 and math.isnan(value)
    assert tail.points("policy/entropy") == [(1, 0.5)]
    assert "hash/weights" not in tail.numeric_keys() and "step" not in tail.numeric_keys()


def test_thinning_keeps_spikes_ends_and_infinities():
    values = [(step, math.sin(step / 50)) for step in range(5000)]
    values[1234], values[3333], values[4000] = (1234, 40.0), (3333, -40.0), (4000, math.inf)
    found = thinned(values, 1000)
    assert len(found) <= 1003
    assert set(found) <= set(values) and found == sorted(found)
    assert {(1234, 40.0), (3333, -40.0), (4000, math.inf), values[0], values[-1]} <= set(found)
    assert thinned(values[:1000], 1000) == values[:1000]
