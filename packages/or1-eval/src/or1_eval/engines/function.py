"""Any function as an engine: a prompt in, a text out."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from or1_eval.errors import EngineError
from or1_eval.types import Completion, CompletionLike, Prompt, Sampling


class FunctionEngine:
    """Calls `function(prompt)` once per sample; it returns text, or an object like `Completion`.

    If the function has a parameter named `seed` or `params` it is given the sample's seed or the `Sampling`. A
    coroutine function is awaited. `concurrency` calls are in flight at a time: leave it at 1 for a function that
    is not thread-safe.
    """

    def __init__(self, function: Callable[..., Any], *, concurrency: int = 1) -> None:
        """Look at what the function wants to know."""
        self._function = function
        self._concurrency = concurrency
        names = inspect.signature(function).parameters
        self._wants = [name for name in ("seed", "params") if name in names]

    def stream(
        self,
        prompts: Sequence[Prompt],
        params: Sampling,
        seeds: Sequence[int],
        *,
        on_tokens: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[int, CompletionLike]]:
        """One call per prompt [S] with its seed [S]; yields (position, completion) as calls return."""
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="or1-eval-function") as pool:
            positions = {
                pool.submit(self._call, prompt, params, seed): position
                for position, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True))
            }
            try:
                for future in as_completed(positions):
                    yield positions[future], future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _call(self, prompt: Prompt, params: Sampling, seed: int) -> CompletionLike:
        known = {"seed": seed, "params": params}
        answer = self._function(prompt, **{name: known[name] for name in self._wants})
        if inspect.isawaitable(answer):
            answer = asyncio.run(_awaited(answer))
        if isinstance(answer, str):
            return Completion(text=answer, finish_reason="stop")
        if not all(hasattr(answer, name) for name in ("text", "token_ids", "finish_reason")):
            raise EngineError(
                f"the engine function returned {type(answer).__name__}; it must return text or a Completion"
            )
        completion: CompletionLike = answer
        return completion


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer
