"""A recipe as a new user runs it: seconds to the first GRPO step and in all, and what three seeds learn.

uv run python benchmarks/first_run.py smollm2 [SEED ...]
uv run python benchmarks/first_run.py tiny
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


def main() -> None:
    """One line per seed; the first finds an empty cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", type=Path, help="keep the run folders here")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"torch {version('torch')}, or1-trainer {version('or1-trainer')}, {time.strftime('%Y-%m-%d')}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "OR1_CACHE": str(Path(scratch) / "cache")}
        for seed in options.seeds:
            folder = (options.keep or Path(scratch)) / f"seed-{seed}"
            first_s, all_s = timed_run(options.recipe, seed, folder, environment)
            print(f"seed {seed}: first step after {first_s:.0f} s, {all_s:.0f} s in all, {learned(folder)}", flush=True)


def timed_run(recipe: str, seed: int, folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from the start to the first training step, and to the end."""
    command = [sys.executable, "-m", "or1_trainer.cli", "train", recipe, "--seed", str(seed), "--run-dir", str(folder)]
    started, first_s = time.perf_counter(), 0.0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            time.sleep(0.2)
            if not first_s and any(row["step"] == 1 for row in read_metrics(folder / "metrics.jsonl")):
                first_s = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"seed {seed} exited with {process.returncode}")
    return first_s, time.perf_counter() - started


def learned(folder: Path) -> str:
    """Held-out accuracy before and after, truncation in the first stage, and steps with an entropy bonus."""
    rows = read_metrics(folder / "metrics.jsonl")
    averages = [float(row["eval/avg"]) for row in rows if "eval/avg" in row]
    first = [float(row["reward/truncated_rate"]) for row in rows if row.get("stage/index") == 0]
    bonus = [row for row in rows if row.get("policy/entropy_coef")]
    return (
        f"held-out avg@k {averages[0]:.3f} -> {averages[-1]:.3f}, truncated {first[0]:.2f} -> {first[-1]:.2f} in stage 1, "
        f"entropy bonus in {len(bonus)} of {len(rows) - 1} steps"
    )


if __name__ == "__main__":
    main()
