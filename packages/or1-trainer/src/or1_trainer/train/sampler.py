"""Which problems come next: a seeded order, a cursor, what was seen of each problem, and the weights of samplers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from or1_data.schema import Problem
from or1_reward.types import Status
from or1_trainer.algorithm.groups import Groups
from or1_trainer.algorithm.signal import HIGHEST, expected_signal
from or1_trainer.config.schema import SamplerSettings
from or1_trainer.errors import ConfigError

T = TypeVar("T")
Floats = NDArray[np.float64]


class Cursor(NamedTuple):
    """The place in the data: the number of the pass, and how many of its problems were taken."""

    epoch: int = 0
    taken: int = 0

    def behind(self, count: int, problems: int) -> Cursor:
        """The place after `count` more of so many problems."""
        passes, taken = divmod(self.taken + count, problems)
        return Cursor(self.epoch + passes, taken)


def draw(problems: Sequence[T], count: int, cursor: Cursor, seed: int) -> tuple[list[T], Cursor]:
    """The next `count` problems, or rows: every pass is a new permutation, a pure function of (seed, epoch)."""
    if not problems:
        raise ConfigError("no problems are left to train on: the previous stage always solved all of them")
    drawn: list[T] = []
    while len(drawn) < count:
        order = _order(seed, cursor.epoch, len(problems))
        take = order[cursor.taken : cursor.taken + count - len(drawn)]
        drawn.extend(problems[index] for index in take)
        cursor = cursor.behind(len(take), len(problems))
    return drawn, cursor


@lru_cache(maxsize=64)  # one per source
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)


Solved = Mapping[str, tuple[int, int]]
"""Problem id -> (correct responses, verdicts) over the visits of one stage."""


def verdict_counts(groups: Groups) -> Iterator[tuple[str, int, int]]:
    """(problem, right responses, verdicts) of one step, in the order of drawing; a verifier error is no verdict."""
    statuses_PG = groups.outcomes.statuses_PG
    right_P = (statuses_PG == Status.CORRECT).sum(axis=1).tolist()
    judged_P = (statuses_PG != Status.VERIFIER_ERROR).sum(axis=1).tolist()
    return zip(groups.problem_ids, right_P, judged_P, strict=True)


def record(solved: Solved, groups: Groups) -> dict[str, tuple[int, int]]:
    """Add the verdicts of one step."""
    updated = dict(solved)
    for problem_id, right, judged in verdict_counts(groups):
        before = updated.get(problem_id, (0, 0))
        updated[problem_id] = (before[0] + right, before[1] + judged)
    return updated


def drop_solved(problems: Sequence[Problem], solved: Solved) -> list[Problem]:
    """Leave out the problems that the previous stage always solved (Skywork-OR1, arXiv 2505.22312, §3.1).

    The report does not say how several visits count together; here a problem is dropped if every response of every
    visit was correct. Problems that the stage never drew stay.
    """
    always = {problem_id for problem_id, (right, judged) in solved.items() if judged and right == judged}
    return [problem for problem in problems if problem.id not in always]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """Right and wrong responses to a problem, earlier visits counting less, and its last visits that were all right."""

    right: float = 0.0
    wrong: float = 0.0
    streak: int = 0


def observed(seen: Mapping[str, Seen], groups: Groups, settings: SamplerSettings) -> dict[str, Seen]:
    """Add one batch's verdicts."""
    updated = dict(seen)
    for problem_id, right, judged in verdict_counts(groups):
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
