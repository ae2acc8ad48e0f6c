"""Table of the context stages of a run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from or1_trainer.metrics.log import Row, number
from or1_trainer.report.read_run import RunRecord
from or1_trainer.report.summary import before_after

_EDGE_STEPS = 5


def stage_rows(run: RunRecord) -> list[list[str]]:
    """Return a row per started stage: its problems, means of its first and last steps, and why it ended."""
    rows = [row for row in run.rows if "stage/index" in row]
    stages = [list(group) for _, group in itertools.groupby(rows, key=lambda row: row["stage/index"])]
    table, before = [], math.nan
    for place, steps in enumerate(stages):
        left = number(steps[0], "stage/problems")
        filtered = f", {before - left:.0f} dropped" if left < before else ""
        table.append(
            [
                str(int(steps[0]["stage/index"]) + 1),
                f"{_text(number(steps[0], 'stage/context_tokens'))} tokens",
                f"{steps[0]['step']} to {steps[-1]['step']}",
                f"{_text(left)}{filtered}",
                _course(steps, "reward/mean", ".2f"),
                _course(steps, "reward/truncated_rate", ".0%"),
                _course(steps, "response/length_mean", ".0f") + " tokens",
                _end(steps, is_last=place == len(stages) - 1, planned=_planned(run, place)),
            ]
        )
        before = left
    return table


def _course(steps: Sequence[Row], key: str, form: str) -> str:
    return before_after([number(row, key) for row in steps], _EDGE_STEPS, form)


def _end(steps: Sequence[Row], *, is_last: bool, planned: int) -> str:
    if steps[-1].get("stage/ended"):
        return f"converged, after {len(steps)} of {planned} steps"
    if len(steps) >= planned or not is_last:
        return "after all its steps"
    return f"not yet, {len(steps)} of {planned} steps"


def _planned(run: RunRecord, place: int) -> int:
    stages = run.setting("stages")
    return int(stages[place].get("steps", 0)) if isinstance(stages, list) and place < len(stages) else 0


def _text(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "–"
