"""Headline numbers of a run: reward, accuracy, entropy and time, before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from or1_trainer.live.format import duration
from or1_trainer.metrics.log import Row, number
from or1_trainer.report.read_run import RunRecord

_EDGE_STEPS = 10
"""Steps at the start and at the end of a run whose means are compared, at most."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline number."""

    label: str
    value: str
    note: str


def subtitle(runs: Sequence[RunRecord]) -> str:
    """Return how far the run is, or that several are compared."""
    if len(runs) > 1:
        return "Overlaid; each run has its color."
    run, steps = runs[0], _num_steps(runs[0])
    if not run.rows:
        return "No step is finished yet."
    stages = run.setting("stages")
    planned = sum(stage.get("steps", 0) for stage in stages) if isinstance(stages, list) else 0
    state = "finished" if planned and steps >= planned else "so far"
    return f"{steps} {f'of {planned} ' if planned else ''}steps {state}, in {run.path}"


def tiles(run: RunRecord) -> list[Tile]:
    """Return the headline numbers that the run has logged."""
    target = run.setting("entropy.target")
    found = []
    for label, key, most, note in (
        (f"held-out {_avg_name(run)}", "eval/avg", 1, "before → after"),
        ("reward", "reward/mean", _EDGE_STEPS, ""),
        ("truncated", "reward/truncated_rate", _EDGE_STEPS, ""),
        ("entropy", "policy/entropy", _EDGE_STEPS, "nats per token" + (f", target {target}" if target else "")),
    ):
        if values := [value for _, value in run.points(key)]:
            found.append(Tile(label, before_after(values, most, ".3f"), note or _edge_note(len(values))))
    if total_s := sum(seconds for _, seconds in run.points("time/step_s")):
        pace = f"{total_s / max(_num_steps(run), 1):.2f} s per step"
        found.append(Tile("time in steps", duration(total_s), pace))
    return found


def evaluation_rows(runs: Sequence[RunRecord]) -> list[list[str]]:
    """First and last evaluation of each run, with their intervals."""
    rows = []
    for run in runs:
        if evals := [row for row in run.rows if "eval/avg" in row]:
            change = number(evals[-1], "eval/avg") - number(evals[0], "eval/avg")
            rows.append([run.name, _avg_name(run), _score(evals[0]), _score(evals[-1]), f"{change:+.3f}"])
    return rows


def before_after(values: Sequence[float], most: int, form: str) -> str:
    """Return the means of the first and of the last finite values: of half of them each, and at most of `most`."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return "– → –"
    width = _width(len(finite), most)
    return f"{fmean(finite[:width]):{form}} → {fmean(finite[-width:]):{form}}"


def _width(count: int, most: int) -> int:
    return min(most, max(count // 2, 1))


def _edge_note(count: int) -> str:
    width = _width(count, _EDGE_STEPS)
    return f"first {width} → last {width} steps" if width > 1 else "first → last step"


def _num_steps(run: RunRecord) -> int:
    """Training steps so far."""
    return sum("reward/mean" in row or "sft/loss" in row for row in run.rows)


def _avg_name(run: RunRecord) -> str:
    return f"avg@{run.setting('eval.k') or 'k'}"


def _score(row: Row) -> str:
    low, high = number(row, "eval/low"), number(row, "eval/high")
    interval = f" [{low:.3f}, {high:.3f}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{number(row, 'eval/avg'):.3f}{interval} at step {row['step']}"
