"""TensorBoard and Weights & Biases get the numbers of the metrics file, resumed or not, without any network."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from or1_trainer.errors import ConfigError
from or1_trainer.metrics.sinks import TensorBoardSink, open_sinks


def row(step: int, value: float) -> dict[str, float | int | str]:
    return {"step": step, "reward/mean": value, "stage/index": 1, "run/note": "text", "optimizer/grad_norm": math.nan}


def scalars(run_dir) -> dict[int, float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run_dir / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"reward/mean", "stage/index"}
    return {event.step: event.value for event in events.Scalars("reward/mean")}


def test_tensorboard_has_the_numbers(tmp_path):
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    (sink,) = open_sinks(["tensorboard"], tmp_path)
    for step in (1, 2, 3):
        sink.write(row(step, step / 2))
    sink.close()
    assert scalars(tmp_path) == {1: 0.5, 2: 1.0, 3: 1.5}


def test_tensorboard_drops_the_steps_that_a_resume_redoes(tmp_path):
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    for last_step, value in ((-1, 1.0), (2, 7.0)):
        sink = TensorBoardSink(tmp_path, last_step=last_step)
        for step in range(last_step + 1 if last_step > 0 else 1, 5):
            sink.write(row(step, value))
        sink.close()
    assert scalars(tmp_path) == {1: 1.0, 2: 1.0, 3: 7.0, 4: 7.0}


WANDB_RUN = """
import sys
from pathlib import Path
from or1_trainer.metrics.sinks import open_sinks
for last_step, steps in ((-1, (1, 2)), (1, (2, 3))):
    (sink,) = open_sinks(["wandb"], Path(sys.argv[1]), last_step=last_step)
    for step in steps:
        sink.write({"step": step, "reward/mean": step / 4, "run/note": "text"})
    sink.close()
"""


def test_weights_and_biases_offline_keeps_the_run_in_the_run_folder(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="the wandb extra is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    run = tmp_path / "tiny-001"
    run.mkdir()
    done = subprocess.run([sys.executable, "-c", WANDB_RUN, str(run)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    files = sorted((run / "wandb").glob("offline-run-*/run-tiny-001.wandb"))
    assert len(files) == 2
    assert b"reward/mean" in files[0].read_bytes()


def test_a_missing_package_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ConfigError, match=r"or1-trainer\[tensorboard\]"):
        open_sinks(["tensorboard"], tmp_path)
