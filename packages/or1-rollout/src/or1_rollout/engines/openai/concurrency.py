"""Many requests at once: of a list, of the groups of one call, and of turns that arrive meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from or1_rollout.groups import GroupFeed
from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion

Item = TypeVar("Item")
Result = TypeVar("Result")

Sample = Callable[[TurnRequest], Awaitable[Completion]]
"""Draws what one request asks for."""

LOOK_EVERY_S = 0.01
"""How long an environment's answer waits at most while requests are in flight."""


async def map_concurrently(
    items: Sequence[Item], concurrency: int, work: Callable[[Item], Awaitable[Result]]
) -> list[Result]:
    """The results of `work` on all `items`, in their order, at most `concurrency` at a time.

    There are as many workers as requests may be in flight, each taking the next one. The first error stops the rest and
    is raised as it is.
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


async def draw_groups(feed: GroupFeed, concurrency: int, sample: Sample) -> list[list[Completion]]:
    """[P][G] the completions of all requests of `feed`, at most `concurrency` at a time; errors as there."""

    async def one(request: TurnRequest) -> None:
        feed.put(request.key, await sample(request))

    await map_concurrently(feed.requests, concurrency, one)
    return feed.groups()


async def serve_feed(feed: Feed, concurrency: int, sample: Sample) -> None:
    """Sample the turns of a feed, at most `concurrency` at a time, until there are no more.

    The first error stops the rest and is raised as it is. Servers count no steps: turns enter as they come.
    """
    running: set[asyncio.Task[None]] = set()
    slots = asyncio.Semaphore(concurrency)

    async def one(turn: TurnRequest) -> None:
        async with slots:
            completion = await sample(turn)
        feed.put(turn.key, completion, 0)

    try:
        while True:
            turns = feed.take(0, wait=False) if running else await asyncio.to_thread(feed.take, 0, wait=True)
            running |= {asyncio.create_task(one(turn)) for turn in turns}
            if not running:
                return
            done, running = await asyncio.wait(running, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
