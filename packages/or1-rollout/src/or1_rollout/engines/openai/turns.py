"""Turns of a feed as requests to servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion

LOOK_EVERY_S = 0.01
"""How long an environment's answer waits at most while requests are in flight."""


async def serve_feed(feed: Feed, concurrency: int, sample: Callable[[TurnRequest], Awaitable[Completion]]) -> None:
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
