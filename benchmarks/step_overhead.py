"""Where a training step's time goes, and how much of it is neither rollout nor verdicts nor update.

    uv run python benchmarks/step_overhead.py                 # the tiny recipe
    uv run python benchmarks/step_overhead.py --warm_start.hidden 256 --stages.0.context_tokens 96

Reads the phase times that every run writes (`time/*_s` of metrics.jsonl); evaluation is left out of the step.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from or1_trainer.metrics.log import read_metrics

WORK = ("rollout", "verify", "update")


def main() -> int:
    """Run the tiny recipe with the settings given, then print seconds a step and shares."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        command = [sys.executable, "-m", "or1_trainer.cli", "train", "tiny", "--run-dir", str(folder), *sys.argv[1:]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows = [row for row in read_metrics(folder / "metrics.jsonl") if "time/rollout_s" in row][1:]  # caches are cold
    names = sorted({key for row in rows for key in row if key.startswith("time/")} - {"time/step_s", "time/eval_s"})
    steps = [float(row["time/step_s"] or 0) - float(row.get("time/eval_s") or 0) for row in rows]
    for name in names:
        values = [float(row.get(name) or 0) for row in rows]
        print(f"{name:20} {1e3 * median(values):8.1f} ms  {100 * sum(values) / sum(steps):5.1f} %")
    work = sum(float(row.get(f"time/{name}_s") or 0) for row in rows for name in WORK)
    print(f"{len(rows)} steps, median {1e3 * median(steps):.0f} ms; overhead {100 * (1 - work / sum(steps)):.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
