"""The quantities that studies compare, each a number per run; accuracies also per problem, for the bootstrap.

"Last" is the mean over the last fifth of the training steps; accuracies are those of the last evaluation.
Axis: N problems.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from or1_trainer.errors import RunFolderError
from or1_trainer.study.stored import StoredRun

LAST_SHARE = 0.2
PER_PROBLEM = ("accuracy", "accuracy_gain", "accuracy_mean")

Floats = NDArray[np.float64]


def measure(run: StoredRun, quantity: str) -> float:
    """One run's value; `RunFolderError` when the run logged nothing that it could be made of."""
    if quantity in PER_PROBLEM:
        return float(np.nanmean(per_problem(run, quantity)))
    value = _QUANTITIES[quantity](run)
    if not math.isfinite(value):
        raise RunFolderError(f"{quantity} cannot be measured: the run logged no value for it")
    return value


def per_problem(run: StoredRun, quantity: str) -> Floats:
    """[N] share of right answers: at the last evaluation, its gain over the first, or the mean over the run."""
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


def series(run: StoredRun, name: str) -> list[float]:
    """The values there are, in the order of steps."""
    return [value for value in run.series.get(name, []) if value is not None]


def last(run: StoredRun, name: str) -> float:
    """Mean over the last fifth."""
    values = series(run, name)
    return mean(values[-max(1, math.ceil(LAST_SHARE * len(values))) :])


def mean(values: list[float]) -> float:
    """NaN of nothing."""
    return sum(values) / len(values) if values else math.nan


def _bonus_ratio(run: StoredRun) -> float:
    """Sum of |entropy bonus| over sum of |policy loss|: how much of the gradient's objective is the bonus."""
    bonus, policy = series(run, "loss_bonus"), series(run, "loss_policy")
    return sum(map(abs, bonus)) / sum(map(abs, policy)) if any(policy) else math.nan


def _share(name: str) -> Callable[[StoredRun], float]:
    """Share of the step's time without evaluation."""

    def share(run: StoredRun) -> float:
        step = run.totals["step_s"] - run.totals["eval_s"]
        return run.totals[name] / step if step > 0 else math.nan

    return share


_QUANTITIES: Final[dict[str, Callable[[StoredRun], float]]] = {
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
