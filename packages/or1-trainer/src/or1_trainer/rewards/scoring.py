"""All rewards of a recipe: each works on complete groups in threads of its own, beside the engine and the others.

Axes: G responses of a group, R rewards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing import TimeoutError as PoolTimeoutError
from multiprocessing.pool import AsyncResult, ThreadPool
from numbers import Real
from typing import Any

from or1_data.schema import Problem
from or1_trainer.config.rewards import FailableReward, PythonReward, RewardBase, needs_verdict
from or1_trainer.errors import TrainingError
from or1_trainer.rewards.group import Group, Reward, Values
from or1_trainer.rewards.python import SignatureError

Terms = Sequence[Sequence[float | None]]
"""[G][R] values; None where a reward failed. NaN stands where a reward does not count for the problem."""

Phase = Callable[[str], AbstractContextManager[object]]
"""Times what happens inside under a name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term:
    """A reward with its settings and its threads."""

    settings: RewardBase
    reward: Reward
    threads: ThreadPool


Pending = Sequence["AsyncResult[Values] | None"]
"""One result per reward; None where it does not count for the problem."""


class Scoring:
    """The rewards of a recipe. Without any, groups have no terms, and the verdict alone is the reward."""

    def __init__(
        self,
        rewards: Sequence[tuple[RewardBase, Reward]] = (),
        counting: Callable[[Problem], frozenset[str]] | None = None,
    ) -> None:
        """`counting(problem)` names the rewards that count for a problem; without it all do."""
        self._terms = [
            Term(settings=settings, reward=reward, threads=ThreadPool(reward.workers)) for settings, reward in rewards
        ]
        self._counting = counting

    @property
    def names(self) -> list[str]:
        """R names, in the order of the recipe."""
        return [term.settings.label for term in self._terms]

    def weights(self, problem: Problem) -> list[float]:
        """R weights; NaN where a reward does not count for this problem."""
        return [term.settings.weight if self._counts(term, problem) else math.nan for term in self._terms]

    def wants_verdict(self, problem: Problem) -> bool:
        """Whether the problem's verifier is asked: it is the reward, or one of the rewards looks at it."""
        counting = [term.settings for term in self._terms if self._counts(term, problem)]
        return not counting or any(map(needs_verdict, counting))

    def submit(self, group: Group) -> Pending:
        """Begin to score a complete group."""
        return [
            term.threads.apply_async(term.reward.values, (group,)) if self._counts(term, group.problem) else None
            for term in self._terms
        ]

    def collect(self, groups: Sequence[tuple[Group, Pending]], phase: Phase) -> list[Terms]:
        """Wait for the values of the groups, reward by reward; raise what a reward raised.

        `phase("reward_NAME")` measures what the step waits for a reward beyond the ones before it.
        """
        columns = []
        for index, term in enumerate(self._terms):
            with phase(f"reward_{term.settings.label}"):
                columns.append([_values(term.settings, group, pending[index]) for group, pending in groups])
        return [list(zip(*rows, strict=True)) for rows in zip(*columns, strict=True)] if columns else []

    def close(self) -> None:
        """Drop what has not begun; nothing that is being worked on is waited for."""
        for term in self._terms:
            term.threads.terminate()
            term.reward.close()

    def _counts(self, term: Term, problem: Problem) -> bool:
        return self._counting is None or term.settings.label in self._counting(problem)


def _values(settings: RewardBase, group: Group, pending: AsyncResult[Values] | None) -> Values:
    count = len(group.completions)
    if pending is None:
        return [math.nan] * count
    if not isinstance(settings, FailableReward):
        return pending.get()
    function = f" ({settings.function})" if isinstance(settings, PythonReward) else ""
    where = f"reward {settings.label!r}{function} on problem {group.problem.id} (step {group.step})"
    try:
        return _checked(pending.get(settings.timeout_s), count, where)
    except SignatureError:
        raise
    except PoolTimeoutError:
        error: Exception = TrainingError(f"{where} returned no values within {settings.timeout_s:g} s")
    except Exception as raised:  # noqa: BLE001  a function of the user's may raise anything
        said = f"{where} raised {type(raised).__name__}: {raised}"
        error = raised if isinstance(raised, RewardError) else TrainingError(said)
        error.__cause__ = raised
    if settings.on_error == "skip":
        return error.values if isinstance(error, RewardError) else [None] * count
    raise TrainingError(
        f"{error}; steps up to the last checkpoint are kept: repair the function and `or1-trainer resume`, or start "
        'with on_error = "skip" to go on without such responses'
    ) from error.__cause__


class RewardError(TrainingError):
    """Values that are none; `values` has those that are, and None for the others."""

    def __init__(self, text: str, values: Values) -> None:
        super().__init__(text)
        self.values = values


def _checked(values: Any, count: int, where: str) -> Values:
    """The values as floats. Raises `RewardError` for another number of them, and for NaN or infinity."""
    if len(values) != count:
        raise RewardError(f"{where} gave {len(values)} values for {count} responses", [None] * count)
    found = [None if value is None else _number(value) for value in values]
    good = [None if value is None or not math.isfinite(value) else value for value in found]
    if good != found:
        bad = [f"{values[at]!r} for response {at}" for at, value in enumerate(found) if value != good[at]]
        raise RewardError(f"{where} gave {', '.join(bad)}, which is not a finite number", good)
    return good


def _number(value: Any) -> float:
    """A Python, numpy or torch number as a float; NaN for anything else."""
    if isinstance(value, Real):
        return float(value)
    return float(value.item()) if hasattr(value, "item") and getattr(value, "size", None) != 0 else math.nan
