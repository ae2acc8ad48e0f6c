"""`generate` and `agenerate` made of each other: engines that compute here block, those that ask servers wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, Unpack

from or1_rollout.engine import Engine, GenerateOptions
from or1_rollout.errors import EngineError
from or1_rollout.types import Completion, Prompt, SamplingParams

Result = TypeVar("Result")


class BlockingEngine(Engine):
    """Adds `agenerate` to an engine whose `generate` calls `on_tokens` at every step."""

    async def agenerate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.agenerate`. It computes in a thread, which the callbacks come from; one call at a time."""
        is_cancelled, on_tokens = threading.Event(), options.get("on_tokens")

        def step(number: int) -> None:
            if is_cancelled.is_set():
                raise EngineError("cancelled")
            if on_tokens is not None:
                on_tokens(number)

        options["on_tokens"] = step
        working = asyncio.ensure_future(asyncio.to_thread(self.generate, prompts, params, **options))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            is_cancelled.set()
            await asyncio.wait([working])  # the engine is free again when this returns
            working.exception()
            raise


class WaitingEngine(Engine):
    """Adds `generate` to an engine whose `agenerate` waits for servers."""

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `agenerate` and `Engine.generate`; works inside of a running event loop too."""
        return run_sync(self.agenerate(prompts, params, **options))

    def sleep(self) -> bool:
        """Do nothing: the servers' memory is their own."""
        return False


def run_sync(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end, also where an event loop is already running in this thread (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    thread = ThreadPoolExecutor(1)
    result = thread.submit(asyncio.run, coroutine)
    thread.shutdown(wait=False)  # the caller may be interrupted meanwhile
    return result.result()
