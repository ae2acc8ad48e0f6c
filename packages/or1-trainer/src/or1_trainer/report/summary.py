"""What happened in a run, before and after: headline numbers, evaluations, context stages."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import fmean

from or1_trainer.live.format import duration
from or1_trainer.metrics.log import Row, number
from or1_trainer.report.read_run import RunRecord

_EDGE_STEPS = 10
"""Steps at the start and at the end of a run whose means are compared, at most."""
_STAGE_EDGE_STEPS = 5
"""The same of a stage."""


def subtitle(runs: Sequence[RunRecord]) -> str:
    """Return how far the run is, or that several are compared."""
    if len(runs) > 1:
        return "Overlaid; each run has its color."
    run, steps = runs[0], _num_steps(runs[0])
    if not run.rows:
        return "No step is finished yet."
    planned = sum(_planned_steps(run))
    state = "finished" if planned and steps >= planned else "so far"
    return f"{steps} {f'of {planned} ' if planned else ''}steps {state}, in {run.path}"


def tiles(run: RunRecord) -> list[tuple[str, str, str]]:
    """Return (label, value, note) of the headline numbers that the run has logged."""
    target = run.setting("entropy.target")
    found = []
    for label, key, most, note in (
        (f"held-out {_avg_name(run)}", "eval/avg", 1, "before → after"),
        ("reward", "reward/mean", _EDGE_STEPS, ""),
        ("truncated", "reward/truncated_rate", _EDGE_STEPS, ""),
        ("entropy", "policy/entropy", _EDGE_STEPS, "nats per token" + (f", target {target}" if target else "")),
    ):
        if values := [value for _, value in run.points(key)]:
            edges = f"first {width} → last {width} steps" if (width := _width(len(values))) > 1 else "first → last step"
            found.append((label, _before_after(values, most, ".3f"), note or edges))
    if total_s := sum(seconds for _, seconds in run.points("time/step_s")):
        pace = f"{total_s / max(_num_steps(run), 1):.2f} s per step"
        found.append(("time in steps", duration(total_s), pace))
    return found


def evaluation_rows(runs: Sequence[RunRecord]) -> list[list[str]]:
    """First and last evaluation of each run, with their intervals."""
    rows = []
    for run in runs:
        if evals := [row for row in run.rows if "eval/avg" in row]:
            change = number(evals[-1], "eval/avg") - number(evals[0], "eval/avg")
            rows.append([run.name, _avg_name(run), _score(evals[0]), _score(evals[-1]), f"{change:+.3f}"])
    return rows


def stage_rows(run: RunRecord) -> list[list[str]]:
    """Return a row per started stage: its problems, means of its first and last steps, and why it ended."""
    rows = [row for row in run.rows if "stage/index" in row]
    stages = [list(group) for _, group in itertools.groupby(rows, key=lambda row: row["stage/index"])]
    planned = [*_planned_steps(run), *[0] * len(stages)]  # config.toml may be missing
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
                _end(steps, is_last=place == len(stages) - 1, planned=planned[place]),
            ]
        )
        before = left
    return table


def _before_after(values: Sequence[float], most: int, form: str) -> str:
    """Means of the first and of the last values, of half of them each and at most of `most`; NaN if none is finite."""
    width = _width(len(values), most)
    return " → ".join(f"{_finite_mean(edge):{form}}" for edge in (values[:width], values[-width:]))


def _finite_mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return fmean(finite) if finite else math.nan


def _width(count: int, most: int = _EDGE_STEPS) -> int:
    return min(most, max(count // 2, 1))


def _num_steps(run: RunRecord) -> int:
    """Training steps so far."""
    return sum("reward/mean" in row or "sft/loss" in row for row in run.rows)


def _avg_name(run: RunRecord) -> str:
    return f"avg@{run.setting('eval.k') or 'k'}"


def _score(row: Row) -> str:
    low, high = number(row, "eval/low"), number(row, "eval/high")
    interval = f" [{low:.3f}, {high:.3f}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{number(row, 'eval/avg'):.3f}{interval} at step {row['step']}"


def _course(steps: Sequence[Row], key: str, form: str) -> str:
    values = [value for row in steps if math.isfinite(value := number(row, key))]  # of a key that came later, too
    return _before_after(values, _STAGE_EDGE_STEPS, form) if values else "– → –"


def _end(steps: Sequence[Row], *, is_last: bool, planned: int) -> str:
    if steps[-1].get("stage/ended"):
        return f"converged, after {len(steps)} of {planned} steps"
    if len(steps) >= planned or not is_last:
        return "after all its steps"
    return f"not yet, {len(steps)} of {planned} steps"


def _planned_steps(run: RunRecord) -> list[int]:
    """Steps of each stage; empty where config.toml is missing."""
    stages = run.setting("stages")
    return [stage.get("steps", 0) for stage in stages] if isinstance(stages, list) else []


def _text(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "–"
