"""Many requests at once: as many workers as requests may be in flight, each taking the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def map_concurrently(
    items: Sequence[Item], concurrency: int, work: Callable[[Item], Awaitable[Result]]
) -> list[Result]:
    """The results of `work` on all `items`, in their order, at most `concurrency` at a time.

    The first error stops the rest and is raised as it is.
    """
    results: dict[int, Result] = {}
    waiting = iter(enumerate(items))

    async def worker() -> None:
        for index, item in waiting:  # the workers share the iterator
            results[index] = await work(item)

    tasks = [asyncio.create_task(worker()) for _ in range(min(concurrency, len(items)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [results[index] for index in range(len(items))]
