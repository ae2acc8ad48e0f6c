"""A recipe as a new user runs it: seconds to the first GRPO step and in all, and what three seeds learn.

uv run python benchmarks/first_run.py smollm2 [SEED ...]
uv run python benchmarks/first_run.py tiny
uv run python benchmarks/first_run.py smollm2 --seeds 0 --clone   # from a clone with empty caches, install included
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

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """One line per seed; the first finds an empty cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", type=Path, help="keep the run folders here")
    parser.add_argument("--clone", action="store_true", help="each seed in a new clone, with empty caches of uv too")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"torch {version('torch')}, or1-trainer {version('or1-trainer')}, {time.strftime('%Y-%m-%d')}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "OR1_CACHE": str(Path(scratch) / "cache")}
        for seed in options.seeds:
            folder = ((options.keep or Path(scratch)) / f"seed-{seed}").resolve()
            start, where = [sys.executable, "-m", "or1_trainer.cli"], Path.cwd()
            if options.clone:
                start, where = ["uv", "run", "or1-trainer"], Path(scratch) / f"clone-{seed}"
                subprocess.run(["git", "clone", "--quiet", ROOT, where], check=True)
                environment = {
                    **os.environ, "OR1_CACHE": str(where / ".or1"), "UV_CACHE_DIR": str(where / ".uv"), "VIRTUAL_ENV": ""
                }  # fmt: skip
            command = [*start, "train", options.recipe, "--seed", str(seed), "--run-dir", str(folder)]
            first_s, all_s = timed_run(command, where, folder, environment)
            print(f"seed {seed}: first step after {first_s:.0f} s, {all_s:.0f} s in all, {learned(folder)}", flush=True)


def timed_run(command: list[str], where: Path, folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from the start to the first training step, and to the end."""
    started, first_s = time.perf_counter(), 0.0
    with subprocess.Popen(
        command, cwd=where, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            time.sleep(0.2)
            if not first_s and any(row["step"] == 1 for row in read_metrics(folder / "metrics.jsonl")):
                first_s = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} exited with {process.returncode}")
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
