"""Headline numbers of a run: reward, accuracy, entropy and time, before and after."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from or1_trainer.live.format import duration
from or1_trainer.report.read_run import RunRecord
from or1_trainer.report.series import Points

EDGE_STEPS = 10
"""Steps at the start and at the end of a run whose means are compared, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One headline number."""

    label: str
    value: str
    note: str = ""


def subtitle(runs: Sequence[RunRecord]) -> str:
    """Return how far the run is, or that several are compared."""
    if len(runs) > 1:
        return "Overlaid; each run has its color."
    run, steps, planned = runs[0], num_steps(runs[0]), planned_steps(runs[0])
    if not run.rows:
        return "No step is finished yet."
    state = "finished" if planned and steps >= planned else "so far"
    return f"{steps} {f'of {planned} ' if planned else ''}steps {state}, in {run.path}"


def tiles(run: RunRecord) -> list[Tile]:
    """Return the headline numbers that the run has logged."""
    evals, rewards = run.points("eval/avg"), run.points("reward/mean")
    truncated, entropy = run.points("reward/truncated_rate"), run.points("policy/entropy")
    total_s = sum(seconds for _, seconds in run.points("time/step_s"))
    found = []
    if evals:
        value = _change(evals[:1], evals[-1:])
        found.append(Tile(label=f"held-out {_avg_name(run)}", value=value, note="before → after"))
    if rewards:
        found.append(Tile(label="reward", value=_change(*_edges(rewards)), note=_edge_note(rewards)))
    if truncated:
        found.append(Tile(label="truncated", value=_change(*_edges(truncated)), note=_edge_note(truncated)))
    if entropy:
        target = run.setting("entropy.target")
        note = "nats per token" + (f", target {target}" if target else "")
        found.append(Tile(label="entropy", value=_change(*_edges(entropy)), note=note))
    if total_s:
        pace = f"{total_s / max(num_steps(run), 1):.2f} s per step"
        found.append(Tile(label="time in steps", value=duration(total_s), note=pace))
    return found


def evaluation_rows(runs: Sequence[RunRecord]) -> list[list[str]]:
    """First and last evaluation of each run, with their intervals."""
    rows = []
    for run in runs:
        evals = [row for row in run.rows if isinstance(row.get("eval/avg"), int | float)]
        if evals:
            change = _number(evals[-1], "eval/avg") - _number(evals[0], "eval/avg")
            rows.append([run.name, _avg_name(run), _score(evals[0]), _score(evals[-1]), f"{change:+.3f}"])
    return rows


def planned_steps(run: RunRecord) -> int:
    """Steps of all stages."""
    stages = run.setting("stages")
    return sum(stage.get("steps", 0) for stage in stages) if isinstance(stages, list) else 0


def num_steps(run: RunRecord) -> int:
    """Training steps so far."""
    return sum("reward/mean" in row or "sft/loss" in row for row in run.rows)


def _avg_name(run: RunRecord) -> str:
    k = run.setting("eval.k")
    return f"avg@{k}" if k else "avg@k"


def _edges(points: Points) -> tuple[Points, Points]:
    width = min(EDGE_STEPS, max(len(points) // 2, 1))
    return points[:width], points[-width:]


def _edge_note(points: Points) -> str:
    width = len(_edges(points)[0])
    return f"first {width} → last {width} steps" if width > 1 else "first → last step"


def _change(first: Points, last: Points) -> str:
    return f"{_mean(first):.3f} → {_mean(last):.3f}"


def _mean(points: Points) -> float:
    finite = [value for _, value in points if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def _number(row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan


def _score(row: Mapping[str, Any]) -> str:
    low, high = _number(row, "eval/low"), _number(row, "eval/high")
    interval = f" [{low:.3f}, {high:.3f}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{_number(row, 'eval/avg'):.3f}{interval} at step {row['step']}"
