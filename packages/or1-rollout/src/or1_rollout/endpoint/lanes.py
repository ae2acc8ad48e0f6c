"""Many requests at once: as many lanes as requests may be in flight, each taking the next one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def each(items: Sequence[Item], lanes: int, work: Callable[[Item], Awaitable[None]]) -> None:
    """Do all of `items`, at most `lanes` at a time; the first error stops the rest and is raised as it is."""
    waiting = iter(items)

    async def lane() -> None:
        for item in waiting:  # lanes share the iterator
            await work(item)

    tasks = [asyncio.create_task(lane()) for _ in range(min(lanes, len(items)))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end, also where an event loop is already running in this thread (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[Result] = []
    errors: list[BaseException] = []

    def inside() -> None:
        try:
            outcome.append(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, whatever it is
            errors.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcome[0]
