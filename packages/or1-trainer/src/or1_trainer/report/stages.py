"""Table of the context stages of a run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from or1_trainer.report.read_run import RunRecord

HEAD = ["stage", "context", "steps", "problems", "reward", "truncated", "length", "ended"]
_EDGE_STEPS = 5


def stage_rows(run: RunRecord) -> list[list[str]]:
    """Return a row per started stage: its problems, means of its first and last steps, and why it ended."""
    rows = [row for row in run.rows if "stage/index" in row]
    stages = [list(group) for _, group in itertools.groupby(rows, key=lambda row: row["stage/index"])]
    table, before = [], math.nan
    for number, steps in enumerate(stages):
        left = _number(steps[0], "stage/problems")
        filtered = f", {before - left:.0f} dropped" if left < before else ""
        table.append(
            [
                str(int(_number(steps[0], "stage/index")) + 1),
                f"{_text(_number(steps[0], 'stage/context_tokens'))} tokens",
                f"{steps[0]['step']} to {steps[-1]['step']}",
                f"{_text(left)}{filtered}",
                _course(steps, "reward/mean", ".2f"),
                _course(steps, "reward/truncated_rate", ".0%"),
                _course(steps, "response/length_mean", ".0f") + " tokens",
                _end(steps, is_last=number == len(stages) - 1, planned=_planned(run, number)),
            ]
        )
        before = left
    return table


def _course(steps: Sequence[Mapping[str, Any]], key: str, form: str) -> str:
    values = [value for row in steps if math.isfinite(value := _number(row, key))]
    width = min(_EDGE_STEPS, max(len(values) // 2, 1))
    first, last = (sum(part) / len(part) if part else math.nan for part in (values[:width], values[-width:]))
    return f"{_text(first, form)} → {_text(last, form)}"


def _end(steps: Sequence[Mapping[str, Any]], *, is_last: bool, planned: int) -> str:
    if steps[-1].get("stage/ended"):
        return f"converged, after {len(steps)} of {planned} steps"
    if len(steps) >= planned or not is_last:
        return "after all its steps"
    return f"not yet, {len(steps)} of {planned} steps"


def _planned(run: RunRecord, number: int) -> int:
    stages = run.setting("stages")
    return int(stages[number].get("steps", 0)) if isinstance(stages, list) and number < len(stages) else 0


def _text(value: float, form: str = ".0f") -> str:
    return f"{value:{form}}" if math.isfinite(value) else "–"


def _number(row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan
