"""Quantities that studies compare: one number per run; accuracies also per problem, for the bootstrap.

`*_last` is the mean over the last fifth of the training steps; `accuracy` is that of the last evaluation,
`accuracy_gain` what it gained over the first, `accuracy_mean` the mean without the first.
Axes: E evaluations, N problems.
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
Floats = NDArray[np.float64]

PER_PROBLEM: Final = ("accuracy", "accuracy_gain", "accuracy_mean")
"""Quantities with a value of each problem."""


def measure(run: RunSummary, quantity: str) -> float:
    """Return the value of one run, an accuracy as the mean over problems; raises as `measured_N` does."""
    return float(np.nanmean(measured_N(run, quantity)))


def measured_N(run: RunSummary, quantity: str) -> Floats:
    """[N] of an accuracy, NaN where a problem has no verdict; [1] of the other quantities.

    Raises `RunFolderError` when the run did not log what it needs.
    """
    values_N = np.atleast_1d(QUANTITIES[quantity](run))
    if not np.isfinite(values_N).any():
        raise RunFolderError(f"{quantity} cannot be measured: the run logged no value for it")
    return values_N


def shares_EN(run: RunSummary) -> Floats:
    """Fraction of right answers at each evaluation to each problem, NaN where no response has a verdict."""
    graded_EN = np.array(run.graded)
    right_EN: Floats = np.array(run.right) / np.where(graded_EN > 0, graded_EN, math.nan)
    return right_EN


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


def _share(run: RunSummary, name: str) -> float:
    """Fraction of the time of all steps, evaluation not counted."""
    step = run.totals["step_s"] - run.totals["eval_s"]
    return run.totals[name] / step if step > 0 else math.nan


QUANTITIES: Final[dict[str, Callable[[RunSummary], Floats | float]]] = {
    "accuracy": lambda run: shares_EN(run)[-1],
    "accuracy_gain": lambda run: shares_EN(run)[-1] - shares_EN(run)[0],
    "accuracy_mean": lambda run: shares_EN(run)[1:].mean(axis=0),
    "entropy_last": lambda run: last(run, "entropy"),
    "entropy_mean": lambda run: mean(series(run, "entropy")),
    "entropy_least": lambda run: min(series(run, "entropy"), default=math.nan),
    "entropy_most": lambda run: max(series(run, "entropy"), default=math.nan),
    "entropy_start": lambda run: next(iter(series(run, "entropy")), math.nan),
    "entropy_change": lambda run: last(run, "entropy") - QUANTITIES["entropy_start"](run),
    "truncated_last": lambda run: last(run, "truncated"),
    "length_last": lambda run: last(run, "length"),
    "reward_last": lambda run: last(run, "reward"),
    "kl_last": lambda run: last(run, "kl"),
    "bonus_ratio": _bonus_ratio,
    "rollout_share": lambda run: _share(run, "rollout_s"),
    "update_share": lambda run: _share(run, "update_s"),
    "tokens": lambda run: run.totals["tokens"],
}
