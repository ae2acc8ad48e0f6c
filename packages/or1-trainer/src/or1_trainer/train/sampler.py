"""Which problems come next: a seeded order, a cursor that is two numbers, and the online filter between stages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from or1_data.schema import Problem
from or1_trainer.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where drawing goes on: the pass over the data, and how many problems of it were taken."""

    epoch: int = 0
    taken: int = 0


def draw(problems: Sequence[Problem], count: int, cursor: Cursor, seed: int) -> tuple[list[Problem], Cursor]:
    """The next `count` problems: every pass is a new permutation, a pure function of (seed, epoch)."""
    if not problems:
        raise ConfigError("no problems are left to train on: the previous stage always solved all of them")
    drawn: list[Problem] = []
    while len(drawn) < count:
        order = _order(seed, cursor.epoch, len(problems))
        take = order[cursor.taken : cursor.taken + count - len(drawn)]
        drawn.extend(problems[index] for index in take)
        taken = cursor.taken + len(take)
        cursor = Cursor(epoch=cursor.epoch, taken=taken) if taken < len(problems) else Cursor(epoch=cursor.epoch + 1)
    return drawn, cursor


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)


Solved = Mapping[str, tuple[int, int]]
"""Problem id -> (correct responses, verdicts) over the visits of one stage."""


def record(solved: Solved, outcomes: Sequence[tuple[str, Sequence[float | None]]]) -> dict[str, tuple[int, int]]:
    """Add one step's rewards; a verifier error is no verdict."""
    updated = dict(solved)
    for problem_id, rewards in outcomes:
        counted = [reward for reward in rewards if reward is not None]
        correct, total = updated.get(problem_id, (0, 0))
        updated[problem_id] = (correct + int(sum(counted)), total + len(counted))
    return updated


def drop_solved(problems: Sequence[Problem], solved: Solved) -> list[Problem]:
    """Without the problems whose every response in the previous stage was right (PAPER §2.2 rule 2).

    The paper does not say how several visits count together; here a problem goes only if all visits were all right.
    Problems that the stage never drew stay.
    """
    return [problem for problem in problems if not _always_solved(solved.get(problem.id))]


class Remaining:
    """The problems without those that the online filter took out so far; looked through once per filter."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._problems = problems
        self._dropped: Collection[str] = ()
        self._left = problems

    def after(self, dropped: Collection[str]) -> Sequence[Problem]:
        """All but these."""
        if dropped != self._dropped:
            gone = set(dropped)
            self._left = [problem for problem in self._problems if problem.id not in gone]
            self._dropped = dropped
        return self._left


def _always_solved(counts: Any) -> bool:
    return counts is not None and counts[1] > 0 and counts[0] == counts[1]
