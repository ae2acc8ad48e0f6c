"""Replay of one step of a finished or stopped run, in a folder of its own, from the nearest checkpoint before it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from msgspec.structs import replace

from or1_trainer.errors import ConfigError
from or1_trainer.metrics.log import read_metrics
from or1_trainer.train.checkpoint import checkpoints
from or1_trainer.train.engines import OBSERVATIONS
from or1_trainer.train.run_folder import read_config, write_config


def prepare_replay(run: Path, step: int, scratch: Path, *, keep_all: bool = False) -> int:
    """Make `scratch` a run that stands before `step`; return the step of the checkpoint it goes on from (0: none).

    The checkpoint's files are linked, not copied. With `keep_all` the replay keeps every response of its steps. Raises
    `RunFolderError` where `run` is no run folder, `ConfigError` without such a step or if `scratch` has files already.
    """
    config = read_config(run)
    last = max((int(row["step"]) for row in read_metrics(run / "metrics.jsonl")), default=0)
    if not 1 <= step <= last:
        has = f"has steps 1 to {last}" if last else "has no step yet"
        raise ConfigError(f"{run} {has}; --step {step} is not one of them")
    if scratch.exists() and any(scratch.iterdir()):
        raise ConfigError(f"{scratch} is not empty; choose a new folder with --out")
    share = 1.0 if keep_all else config.watch.rollout_share
    watch = replace(config.watch, rollout_share=share, sinks=(), profile_steps=(), opentelemetry=False)
    scratch.mkdir(parents=True, exist_ok=True)
    write_config(scratch, replace(config, watch=watch))
    if (run / OBSERVATIONS).exists():  # of tools that would answer otherwise today
        shutil.copytree(run / OBSERVATIONS, scratch / OBSERVATIONS)
    before = [path for path in checkpoints(run) if _step(path) < step]
    if not before:
        return 0
    shutil.copytree(before[-1], scratch / "checkpoints" / before[-1].name, copy_function=_link)
    return _step(before[-1])


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("_")[2])


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
