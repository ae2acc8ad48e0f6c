"""The budget of one verdict: steps of work and CPU time in the caller's process.

Steps are counted, so that a verdict does not depend on how busy the machine is; the CPU time is the net below them.
Code that runs outside of a verdict (a test that parses a text) has no budget to spend from and is not limited.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

MAX_STEPS: Final = 120_000  # most take one to five microseconds
_STEPS_PER_LOOK: Final = 256  # at the clock; some steps (logarithms in logarithms) take 0.2 ms


class BudgetError(Exception):
    """The verdict has used up its steps or its CPU time; the answer is not judged any further."""


class Budget:
    """Steps and CPU time that are left."""

    def __init__(self, time_s: float, memory_mb: int | None = None, steps: int = MAX_STEPS) -> None:
        """`time_s` is CPU time of this thread from now on, `memory_mb` what a question to sympy may take."""
        self.memory_mb = memory_mb
        self.deadline = time.thread_time() + time_s
        self.steps = steps
        self.look_at = steps - _STEPS_PER_LOOK

    def spend(self, steps: int) -> None:
        """Take `steps` off.

        Raises:
            BudgetError: nothing is left.
        """
        self.steps -= steps
        if self.steps > self.look_at:
            return
        self.look_at = self.steps - _STEPS_PER_LOOK
        if self.steps < 0:
            raise BudgetError("the answer takes more evaluations than one verdict may cost")
        if time.thread_time() > self.deadline:
            raise BudgetError("the answer takes more CPU time than one verdict may cost")


_current: ContextVar[Budget | None] = ContextVar("or1_reward_budget", default=None)


@contextmanager
def limited(time_s: float, memory_mb: int | None = None) -> Iterator[Budget]:
    """A budget for what runs inside."""
    budget = Budget(time_s, memory_mb)
    token = _current.set(budget)
    try:
        yield budget
    finally:
        _current.reset(token)


def memory_limit_mb() -> int | None:
    """Memory that a question of the verdict at hand may take in sympy's worker; None for the worker's own limit."""
    budget = _current.get()
    return budget.memory_mb if budget is not None else None


def spend(steps: int = 1) -> None:
    """Take `steps` off the budget of the verdict at hand.

    Raises:
        BudgetError: nothing is left.
    """
    budget = _current.get()
    if budget is not None:
        budget.spend(steps)
