"""The line that a run prints at its end."""

from __future__ import annotations

from pathlib import Path

import msgspec

from or1_trainer.metrics.log import read_metrics
from or1_trainer.train.run_folder import read_config


class _Score(msgspec.Struct, frozen=True):
    avg: float = msgspec.field(name="eval/avg")
    low: float = msgspec.field(name="eval/low")
    high: float = msgspec.field(name="eval/high")


def summary(folder: Path) -> str:
    """First and last held-out avg@k with the interval of the last, and the paths of report and model."""
    rows = [row for row in read_metrics(folder / "metrics.jsonl") if "eval/avg" in row]
    before, after = (msgspec.convert(row, _Score) for row in (rows[0], rows[-1]))
    return (
        f"held-out avg@{read_config(folder).eval.k}: {before.avg:.3f} before, {after.avg:.3f} "
        f"[{after.low:.3f}, {after.high:.3f}] after {rows[-1]['step']} steps; "
        f"report: {folder / 'report.html'}, model: {folder / 'model'}"
    )
