"""Whole runs of the tiny recipe in five settings, each step of which is then replayed and must be identical.

    uv run python benchmarks/replay_runs.py
    uv run python benchmarks/replay_runs.py --only tensor data

Every replay goes from a checkpoint to the next one, so that those of a run cover all its steps, evaluations included.
Exit code 1 when one number of one step differs.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from or1_trainer.metrics.log import read_metrics

TWENTY = ("--stages.0.steps", "10", "--stages.1.steps", "10", "--checkpoint.every", "5")
CASES = {
    "whole": ("--seed", "0"),
    "ahead": ("--seed", "1", "--rollout.ahead", "2", "--rollout.refill", "1"),
    "mini": ("--seed", "2", "--stages.0.mini_prompts", "8", "--stages.1.mini_prompts", "8", *TWENTY),
    "tensor": ("--seed", "3", "--parallel.tensor", "2", *TWENTY),
    "data": ("--seed", "4", "--parallel.data", "2", *TWENTY),
}
"""All 80 steps; all 80 two steps ahead with refill; four mini-batches a step; tensor and data parallelism of 2."""


def main() -> int:
    """A line per replay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--keep", type=Path, help="keep the run folders here")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"torch {version('torch')}, or1-trainer {version('or1-trainer')}, {time.strftime('%Y-%m-%d')}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: (options.keep or Path(scratch)) / name for name in options.only}
        different = sum(replay_all(name, folder) for name, folder in folders.items())
    return int(different > 0)


def replay_all(name: str, folder: Path) -> int:
    """Train, replay every step, print what came of it; return how many replays differ."""
    started = time.perf_counter()
    code, said = or1_trainer("train", "tiny", "--run-dir", folder, "--checkpoint.keep", "9", *CASES[name])
    if code:
        raise SystemExit(f"{name}: {said}")
    trained_s = time.perf_counter() - started
    steps = [int(row["step"]) for row in read_metrics(folder / "metrics.jsonl")]
    every = 5 if "--checkpoint.every" in CASES[name] else 20
    print(f"{name}: {steps[-1]} steps, trained in {trained_s:.0f} s", flush=True)
    different = 0
    for step in (step for step in steps if step and step % every == 0):
        code, said = or1_trainer("replay", folder, "--step", step)
        different += code != 0
        print(f"  {said.splitlines()[1] if code == 0 else said}", flush=True)
    print(f"  {different} replays differ, {time.perf_counter() - started - trained_s:.0f} s", flush=True)
    return different


def or1_trainer(*arguments: object) -> tuple[int, str]:
    """Exit code and output of a command."""
    command = [sys.executable, "-m", "or1_trainer.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + (done.stderr[-2000:] if done.returncode else "")


if __name__ == "__main__":
    sys.exit(main())
