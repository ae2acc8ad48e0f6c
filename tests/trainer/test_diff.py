"""`diff`: the first step and stage at which two runs differ, for one planted difference at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from or1_data.arithmetic import arithmetic_problems
from or1_trainer.cli import main
from or1_trainer.metrics.log import MetricsLog
from or1_trainer.metrics.rollout_log import RolloutLog, RolloutRecord
from or1_trainer.report.diff import Divergence, divergence
from or1_trainer.report.read_run import read_run
from or1_trainer.train.dataset import ALL, Dataset
from or1_trainer.train.problems import dataset_summary


def record(step: int, sample: int) -> RolloutRecord:
    return RolloutRecord(
        problem_id=f"problem-{step}",
        prompt="1+1=?",
        response=f"answer {sample}",
        status="correct" if sample else "wrong",
        reward=float(sample),
        advantage=sample - 0.5,
        finish_reason="stop",
        num_tokens=3,
        seed=10 * step + sample,
    )


def make_run(folder: Path, *, seed: int = 0, change=lambda step, row, records: None) -> Path:
    """Six steps; `change` may alter the row and the records of each before they are written."""
    folder.mkdir()
    (folder / "config.toml").write_text(f"seed = {seed}\n")
    (folder / "versions.json").write_text(json.dumps({"torch": "2.13.0"}))
    log, rollouts = MetricsLog(folder), RolloutLog(folder)
    for step in range(1, 7):
        row = {
            "step": step,
            "stage/index": 0,
            "response/length_mean": 3.0,
            "reward/mean": 0.5,
            "group/kept_rate": 1.0,
            "mismatch/mean_abs": 1e-7,
            "loss/total": -0.1 * step,
            "time/step_s": 0.1 * (seed + step),
        }
        records = [record(step, sample) for sample in range(2)]
        change(step, row, records)
        log.append(row)
        if step % 2:
            rollouts.write(step, records)
    log.close()
    return folder


def planted(step: int, key: str, value: object):
    """A change of one metric, or of one field of the second record, from one step on."""

    def change(now, row, records):
        if now >= step and "/" in key:
            row[key] = value
        elif now >= step:
            records[1] = replace(records[1], **{key: value})

    return change


def test_equal_runs_agree_though_their_times_and_settings_differ(tmp_path, capsys):
    one, other = make_run(tmp_path / "a"), make_run(tmp_path / "b", seed=1)
    assert divergence(read_run(one), read_run(other)) is None
    assert main(["diff", str(one), str(other)]) == 0
    said = capsys.readouterr().out
    assert "settings: 1 differ" in said and "seed: 0 → 1" in said and "versions: equal" in said
    assert "equal at all 6 common steps" in said


@pytest.mark.parametrize(
    ("step", "key", "value", "found"),
    [
        (3, "problem_id", "other", (3, "problems")),
        (3, "prompt", "2+2=?", (3, "prompts")),
        (3, "seed", 999, (3, "seeds")),
        (5, "response", "else", (5, "responses")),
        (5, "reward", 0.0, (5, "verdicts")),
        (1, "advantage", 0.0, (1, "advantages")),
        (4, "response/length_mean", 4.0, (4, "responses")),
        (4, "reward/mean", 0.4, (4, "verdicts")),
        (2, "group/kept_rate", 0.5, (2, "advantages")),
        (2, "mismatch/mean_abs", 2e-7, (2, "loss")),
        (3, "hash/responses", "00000000000000ff", (3, "responses")),
        (3, "hash/logprobs", "00000000000000ff", (3, "log-probs")),
        (3, "hash/weights", "00000000000000ff", (3, "weights")),
        (3, "optimizer/lr", 1e-5, (3, "learning rate")),
        (6, "loss/total", -0.6000000000000002, (6, "loss")),
    ],
)
def test_the_first_step_and_stage_of_a_planted_difference_are_found(tmp_path, capsys, step, key, value, found):
    one, other = make_run(tmp_path / "a"), make_run(tmp_path / "b", change=planted(step, key, value))
    result = divergence(read_run(one), read_run(other))
    assert result is not None and (result.step, result.stage) == found
    assert main(["diff", str(one), str(other)]) == 1
    assert f"differ from step {found[0]}, first in {found[1]}" in capsys.readouterr().out


def test_the_earliest_stage_is_named_where_several_differ(tmp_path):
    def change(step, row, records):
        if step == 3:
            row["loss/total"], row["reward/mean"] = 1.0, 0.0
            records[0] = replace(records[0], response="else", reward=1.0)

    one, other = make_run(tmp_path / "a"), make_run(tmp_path / "b", change=change)
    assert divergence(read_run(one), read_run(other)) == Divergence(
        step=3,
        stage="responses",
        what="problem problem-3",
        first="('answer 0', 3, 'stop')",
        second="('else', 3, 'stop')",
    )


def data_summary(train, heldout):
    return dataset_summary(Dataset({ALL: train}, heldout))


def test_data_of_other_content_or_order_has_another_hash():
    problems = list(arithmetic_problems("train", 8, 0))
    same = data_summary(problems, problems[:2])
    assert same == data_summary(list(arithmetic_problems("train", 8, 0)), problems[:2])
    assert same["train"]["problems"] == 8 and same["heldout"]["problems"] == 2
    hashes = {data_summary(changed, [])["train"]["sha256"] for changed in (problems, problems[::-1], problems[:7])}
    assert len(hashes) == 3


def test_data_that_differs_is_said(tmp_path, capsys):
    folders = [make_run(tmp_path / name) for name in ("a", "b")]
    for folder, digest in zip(folders, ("12ab", "34cd"), strict=True):
        (folder / "data.json").write_text(json.dumps({"train": {"problems": 8, "sha256": digest}}))
    assert main(["diff", *map(str, folders)]) == 0
    assert "data: 1 differ\n  train.sha256: 12ab → 34cd" in capsys.readouterr().out
