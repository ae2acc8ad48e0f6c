"""The default recipe as a new user runs it: seconds with an empty cache and a filled one, and what three seeds learn.

uv run python benchmarks/tiny_recipe.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from or1_trainer.metrics.log import read_metrics

SEEDS = (0, 1, 2)


def main() -> None:
    """One line per seed; the first one makes the warm start."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "OR1_CACHE": str(Path(scratch) / "cache")}
        for seed in SEEDS:
            folder, began = Path(scratch) / f"seed-{seed}", time.perf_counter()
            command = [sys.executable, "-m", "or1_trainer.cli", "--seed", str(seed), "--run-dir", str(folder)]
            subprocess.run(command, env=environment, check=True, capture_output=True)
            print(f"seed {seed}: {time.perf_counter() - began:.0f} s, {learnt(folder)}", flush=True)


def learnt(folder: Path) -> str:
    """Held-out accuracy before and after, truncation in the first stage, and how often the entropy bonus was at work."""
    rows = read_metrics(folder / "metrics.jsonl")
    averages = [float(row["eval/avg"] or 0) for row in rows if "eval/avg" in row]
    first = [float(row["reward/truncated_rate"] or 0) for row in rows if row.get("stage/index") == 0]
    bonus = [row for row in rows if (row.get("policy/entropy_coef") or 0)]
    return (
        f"avg@16 {averages[0]:.3f} -> {averages[-1]:.3f}, truncated {first[0]:.2f} -> {first[-1]:.2f} in stage 1, "
        f"entropy bonus in {len(bonus)} of {len(rows) - 1} steps"
    )


if __name__ == "__main__":
    main()
