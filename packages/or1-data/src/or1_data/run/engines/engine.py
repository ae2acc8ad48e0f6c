"""What an engine does: it calls a function for each of many tasks, somewhere.

A task is plain data. What it makes is a file in the run's folder, written whole or not at all and named by what it was
made from, so that a task may be made again, by another worker or in another run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Engine(Protocol):
    """Calls functions on workers. Use as a context manager."""

    @property
    def machines(self) -> int:
        """How many machines there are."""

    def map(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, spread: bool = False
    ) -> Iterator[tuple[int, Result]]:
        """`(number of the task, work(task))` for every task, in the order in which they end.

        `spread` puts one task at a time on each machine.

        Raises:
            DataError: what a task raised, or `RunError` where a worker died and its task cannot be made again.
        """


def in_order(engine: Engine, work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """The results in the order of the tasks."""
    found = dict(engine.map(work, tasks))
    return [found[number] for number in range(len(tasks))]
