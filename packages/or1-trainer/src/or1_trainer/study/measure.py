"""Quantities that studies compare: one number per run; accuracies also per problem, for the bootstrap.

`*_last` is the mean over the last fifth of the training steps; `accuracy` is that of the last evaluation.
Axis: N problems.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from or1_trainer.errors import RunFolderError
from or1_trainer.study.run_summary import RunSummary

LAST_SHARE = 0.2
PER_PROBLEM = ("accuracy", "accuracy_gain", "accuracy_mean")

Floats = NDArray[np.float64]


def measure(run: RunSummary, quantity: str) -> float:
    """Return the value of one run; raise `RunFolderError` when the run did not log what it needs."""
    if quantity in PER_PROBLEM:
        return float(np.nanmean(per_problem(run, quantity)))
    value = _QUANTITIES[quantity](run)
    if not math.isfinite(value):
        raise RunFolderError(f"{quantity} cannot be measured: the run logged no value for it")
    return value


def per_problem(run: RunSummary, quantity: str) -> Floats:
    """[N] fraction of right answers: of the last evaluation, its gain over the first, or the mean without the first."""
    shares = np.array(
        [
            [r / g if g else math.nan for r, g in zip(right, graded, strict=True)]
            for right, graded in zip(run.right, run.graded, strict=True)
        ]
    )
    if quantity == "accuracy":
        return np.asarray(shares[-1])
    if quantity == "accuracy_gain":
        return np.asarray(shares[-1] - shares[0])
    return np.asarray(shares[1:].mean(axis=0))


def series(run: RunSummary, name: str) -> list[float]:
    """Return the values of a series in the order of steps, without missing ones."""
    return [value for value in run.series.get(name, []) if value is not None]


def last(run: RunSummary, name: str) -> float:
    """Return the mean over the last fifth of a series."""
    values = series(run, name)
    return mean(values[-max(1, math.ceil(LAST_SHARE * len(values))) :])


def mean(values: list[float]) -> float:
    """Return the mean, NaN of an empty list."""
    return sum(values) / len(values) if values else math.nan


def _bonus_ratio(run: RunSummary) -> float:
    """Sum of |entropy bonus| divided by sum of |policy loss|."""
    bonus, policy = series(run, "loss_bonus"), series(run, "loss_policy")
    return sum(map(abs, bonus)) / sum(map(abs, policy)) if any(policy) else math.nan


def _share(name: str) -> Callable[[RunSummary], float]:
    """Fraction of the time of all steps, evaluation not counted."""

    def share(run: RunSummary) -> float:
        step = run.totals["step_s"] - run.totals["eval_s"]
        return run.totals[name] / step if step > 0 else math.nan

    return share


_QUANTITIES: Final[dict[str, Callable[[RunSummary], float]]] = {
    "entropy_last": lambda run: last(run, "entropy"),
    "entropy_mean": lambda run: mean(series(run, "entropy")),
    "entropy_least": lambda run: min(series(run, "entropy"), default=math.nan),
    "entropy_most": lambda run: max(series(run, "entropy"), default=math.nan),
    "entropy_start": lambda run: (series(run, "entropy") or [math.nan])[0],
    "entropy_change": lambda run: last(run, "entropy") - (series(run, "entropy") or [math.nan])[0],
    "truncated_last": lambda run: last(run, "truncated"),
    "length_last": lambda run: last(run, "length"),
    "reward_last": lambda run: last(run, "reward"),
    "kl_last": lambda run: last(run, "kl"),
    "bonus_ratio": _bonus_ratio,
    "rollout_share": _share("rollout_s"),
    "update_share": _share("update_s"),
    "tokens": lambda run: run.totals["tokens"],
}
