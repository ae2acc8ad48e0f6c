"""Draw runs of one recipe as an image for the docs: reward, entropy with its coefficient, and length, step by step.

uv run python scripts/plot_runs.py docs/images/smollm2.svg runs/smollm2-001 runs/smollm2-002 runs/smollm2-003
"""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "or1"  # the same runs give the same file

from matplotlib import pyplot as plt  # noqa: E402

from or1_trainer.metrics.log import read_metrics  # noqa: E402

PANELS = (
    ("reward/mean", "mean reward of the step's responses"),
    ("policy/entropy", "entropy (nats) and its coefficient (right axis)"),
    ("response/length_mean", "response length (tokens)"),
)


def main() -> None:
    """Write the image."""
    out, *folders = map(Path, sys.argv[1:])
    runs = [[row for row in read_metrics(folder / "metrics.jsonl") if "reward/mean" in row] for folder in folders]
    figure, axes = plt.subplots(1, len(PANELS), figsize=(11, 3), layout="constrained")
    for panel, (key, title) in zip(axes, PANELS, strict=True):
        for number, rows in enumerate(runs):
            panel.plot(
                [row["step"] for row in rows],
                [row.get(key, math.nan) for row in rows],
                label=f"seed {number}",
                linewidth=1.4,
            )
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("step")
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        mark_stages(panel, runs[0])
    coefficients = axes[1].twinx()
    for rows in runs:
        steps, values = [row["step"] for row in rows], [row.get("policy/entropy_coef", math.nan) for row in rows]
        coefficients.plot(steps, values, linestyle=":", linewidth=1.2)
    coefficients.set_ylim(bottom=0)
    axes[0].legend(frameon=False, fontsize=8)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Date": None})


def mark_stages(panel: Any, rows: list[dict[str, Any]]) -> None:
    """A line where a context stage begins, with its length in tokens."""
    for before, row in itertools.pairwise(rows):
        if row["stage/context_tokens"] != before["stage/context_tokens"]:
            panel.axvline(row["step"] - 0.5, color="gray", linewidth=0.8, linestyle="--")


if __name__ == "__main__":
    main()
