"""`study` as a process: killed in the middle it goes on where it was; GPUs are shared out between runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import numbers, rows_written, run, start, wait_for

from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.errors import ConfigError
from or1_trainer.study.devices import slots

SMALL = {
    "warm_start.hidden": 16, "warm_start.layers": 1, "warm_start.heads": 2, "warm_start.intermediate": 32,
    "warm_start.steps": 20, "warm_start.sequences": 16, "stages.0.steps": 30, "stages.0.prompts": 4,
    "stages.0.context_tokens": 16, "data.lettered.heldout": 4, "eval.k": 2, "data.lettered.train": 64,
    "checkpoint.every": 2, "loss.reject_zero_advantage": "false",
}  # fmt: skip


def arguments(room, name):
    settings = [word for key, value in SMALL.items() for word in (f"--{key}", str(value))]
    where = ("--runs", room / name, "--book", room / f"{name}-book")
    return ("study", "temperature", "--seeds", "1", "--jobs", "1", *where, *settings)


def test_killed_in_the_middle_it_skips_what_is_done_and_resumes_the_rest(cache, tmp_path):
    runs = tmp_path / "runs"
    process = start(cache, *arguments(tmp_path, "runs"))
    written = lambda: sorted(rows_written(folder) for folder in runs.glob("*")) if runs.is_dir() else []  # noqa: E731
    wait_for(lambda: len(written()) == 2 and written()[0] >= 5, process)
    process.kill()
    process.wait()
    finished = {folder.name for folder in runs.iterdir() if (folder / "report.html").exists()}
    assert len(finished) == 1, "one run was over, the other in its middle"
    stamp = {name: (runs / name / "metrics.jsonl").stat().st_mtime_ns for name in finished}
    again = run(cache, *arguments(tmp_path, "runs"))
    assert "2 runs, 1 there already" in again.stderr
    assert stamp == {name: (runs / name / "metrics.jsonl").stat().st_mtime_ns for name in finished}
    (killed,) = (folder for folder in runs.iterdir() if folder.name not in finished)
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "config.toml").write_bytes((killed / "config.toml").read_bytes())
    run(cache, "resume", whole)  # the same settings, never killed
    assert numbers(killed) == numbers(whole)


def test_a_run_ends_with_its_study_though_its_parent_lives():
    watched, held = os.pipe()
    lines = f"""
from multiprocessing.connection import Connection
from or1_trainer.study.execute import die_with_study
die_with_study(Connection({watched}, writable=False))
print("watching", flush=True)
while True: pass
"""
    run = subprocess.Popen([sys.executable, "-c", lines], pass_fds=[watched], stdout=subprocess.PIPE)
    try:
        assert run.stdout.readline() == b"watching\n" and run.poll() is None
        os.close(held)
        assert run.wait(timeout=20) == -signal.SIGKILL
    finally:
        run.kill()
        run.stdout.close()
        os.close(watched)


def test_each_run_sees_gpus_of_its_own():
    config = resolve(read_recipe("lab"))
    two = resolve(read_recipe("lab"), [("parallel.tensor", 2)])
    assert slots([config], 4) == ["0", "1", "2", "3"]
    assert slots([config, two], 5) == ["0,1", "2,3"]
    assert slots([config], 0) == slots([resolve(read_recipe("lab"), [("device", "cpu")])], 4) == []
    with pytest.raises(ConfigError, match="needs 2 GPUs, and this machine has 1"):
        slots([two], 1)
