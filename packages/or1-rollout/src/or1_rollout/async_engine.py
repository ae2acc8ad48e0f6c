"""`generate` and `agenerate` made of each other: engines that compute here block, those that ask servers wait."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypedDict, TypeVar, Unpack

from or1_rollout.engine import OnGroup, OnSample, OnTokens
from or1_rollout.errors import EngineError
from or1_rollout.types import Completion, Prompt, SamplingParams

Result = TypeVar("Result")


class GenerateOptions(TypedDict, total=False):
    """What `Engine.generate` takes beside prompts and parameters; see there."""

    seeds: Sequence[Sequence[int]] | None
    limits: Sequence[int] | None
    on_group: OnGroup | None
    on_sample: OnSample | None
    on_tokens: OnTokens | None


class _WholeResponses:
    """An engine that samples a response in one piece."""

    def between_pieces(self, sync: Callable[[], None]) -> None:
        """See `Engine.between_pieces`."""
        sync()


class BlockingEngine(_WholeResponses, ABC):
    """Adds `agenerate` to an engine whose `generate` calls `on_tokens` at every step."""

    @abstractmethod
    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.generate`."""

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


class WaitingEngine(_WholeResponses, ABC):
    """Adds `generate` to an engine whose `agenerate` waits for servers."""

    @abstractmethod
    async def agenerate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.agenerate`."""

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
