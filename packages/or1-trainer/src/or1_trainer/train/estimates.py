"""What training has seen of each problem, for samplers that look at it: it is part of every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from or1_data.schema import Problem
from or1_reward.types import Status
from or1_trainer.algorithm.groups import Groups
from or1_trainer.algorithm.signal import HIGHEST, expected_signal
from or1_trainer.config.schema import SamplerSettings

Floats = NDArray[np.float64]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """Right and wrong responses to a problem, earlier visits counting less, and its last visits that were all right."""

    right: float = 0.0
    wrong: float = 0.0
    streak: int = 0


def observed(seen: Mapping[str, Seen], groups: Groups, settings: SamplerSettings) -> dict[str, Seen]:
    """Add one batch's verdicts, in the order of drawing; a verifier error is no verdict."""
    updated = dict(seen)
    statuses_PG = groups.outcomes.statuses_PG
    right_P = (statuses_PG == Status.CORRECT).sum(axis=1).tolist()
    judged_P = (statuses_PG != Status.VERIFIER_ERROR).sum(axis=1).tolist()
    for problem_id, right, judged in zip(groups.problem_ids, right_P, judged_P, strict=True):
        before = updated.get(problem_id, Seen())
        updated[problem_id] = Seen(
            settings.memory * before.right + right,
            settings.memory * before.wrong + judged - right,
            before.streak + 1 if judged and right == judged else 0,
        )
    return updated


def adaptive_weights(problems: Sequence[Problem], seen: Mapping[str, Seen], settings: SamplerSettings) -> Floats:
    """[P] expected signal of each problem, no lower than the floor."""
    found = [seen.get(problem.id, Seen()) for problem in problems]
    right_P, wrong_P = (np.array([getattr(one, side) for one in found], np.float64) for side in ("right", "wrong"))
    prior_P = _prior_rates(problems, right_P, wrong_P) if settings.share == "data_source" else np.full(len(found), 0.5)
    signal_P = expected_signal(right_P + settings.prior * prior_P, wrong_P + settings.prior * (1 - prior_P))
    return np.maximum(signal_P, _least(settings))


def difficulty_weights(problems: Sequence[Problem], settings: SamplerSettings) -> Floats:
    """[P] p (1 - p) of the solve rates that the rows give, no lower than the floor; 1/4 where a row gives none."""
    rates = [solve_rate(problem, settings.model) for problem in problems]
    return np.maximum([HIGHEST if rate is None else rate * (1 - rate) for rate in rates], _least(settings))


def solve_rate(problem: Problem, model: str) -> float | None:
    """The part of a model's attempts that were right, from `extra_info.model_difficulty`, which has failures.

    None where the row does not say.
    """
    failures = problem.extra_info.get("model_difficulty")
    if not isinstance(failures, Mapping) or not failures or (model and model not in failures):
        return None
    name = model or next(iter(failures))
    attempts = problem.extra_info.get("model_attempts", {}).get(name, 16)
    return 1 - float(failures[name]) / float(attempts)


def _prior_rates(problems: Sequence[Problem], right_P: Floats, wrong_P: Floats) -> Floats:
    """The solve rate of all problems with the same `data_source`; 1/2 before any of them was seen."""
    _, group_P = np.unique([problem.data_source for problem in problems], return_inverse=True)
    right, wrong = (np.bincount(group_P, weights=side_P) for side_P in (right_P, wrong_P))
    rates: Floats = ((right + 1) / (right + wrong + 2))[group_P]
    return rates


def _least(settings: SamplerSettings) -> float:
    """Weights stay above 0, also without a floor: what cannot be drawn cannot be learned about."""
    return max(settings.floor, 1e-6) * HIGHEST
