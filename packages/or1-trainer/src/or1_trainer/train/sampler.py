"""Which problems come next: a seeded order, a cursor that is two numbers, and the online filter between stages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from or1_data.schema import Problem
from or1_reward.types import Status
from or1_trainer.algorithm.groups import Groups
from or1_trainer.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """The place in the data: the number of the pass, and how many of its problems were taken."""

    epoch: int = 0
    taken: int = 0


def draw(problems: Sequence[T], count: int, cursor: Cursor, seed: int) -> tuple[list[T], Cursor]:
    """The next `count` problems, or rows: every pass is a new permutation, a pure function of (seed, epoch)."""
    if not problems:
        raise ConfigError("no problems are left to train on: the previous stage always solved all of them")
    drawn: list[T] = []
    while len(drawn) < count:
        order = _order(seed, cursor.epoch, len(problems))
        take = order[cursor.taken : cursor.taken + count - len(drawn)]
        drawn.extend(problems[index] for index in take)
        taken = cursor.taken + len(take)
        cursor = Cursor(epoch=cursor.epoch, taken=taken) if taken < len(problems) else Cursor(epoch=cursor.epoch + 1)
    return drawn, cursor


@lru_cache(maxsize=64)  # one per source
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)


Solved = Mapping[str, tuple[int, int]]
"""Problem id -> (correct responses, verdicts) over the visits of one stage."""


def record(solved: Solved, groups: Groups) -> dict[str, tuple[int, int]]:
    """Add the verdicts of one step; a verifier error is no verdict."""
    updated = dict(solved)
    statuses_PG = groups.outcomes.statuses_PG
    correct_P = (statuses_PG == Status.CORRECT).sum(axis=1).tolist()
    judged_P = (statuses_PG != Status.VERIFIER_ERROR).sum(axis=1).tolist()
    for problem_id, correct, judged in zip(groups.problem_ids, correct_P, judged_P, strict=True):
        before = updated.get(problem_id, (0, 0))
        updated[problem_id] = (before[0] + correct, before[1] + judged)
    return updated


def drop_solved(problems: Sequence[Problem], solved: Solved) -> list[Problem]:
    """Leave out the problems that the previous stage always solved (Skywork-OR1, arXiv 2505.22312, §3.1).

    The report does not say how several visits count together; here a problem is dropped if every response of every
    visit was correct. Problems that the stage never drew stay.
    """
    return [problem for problem in problems if not _always_solved(solved.get(problem.id))]


class Remaining:
    """The problems that the online filter has left; computed once per filter."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._problems = problems
        self._dropped: Collection[str] = ()
        self._left = problems

    def after(self, dropped: Collection[str]) -> Sequence[Problem]:
        """All problems except `dropped`."""
        if dropped != self._dropped:
            gone = set(dropped)
            self._left = [problem for problem in self._problems if problem.id not in gone]
            self._dropped = dropped
        return self._left


def _always_solved(counts: Any) -> bool:
    return counts is not None and counts[1] > 0 and counts[0] == counts[1]
