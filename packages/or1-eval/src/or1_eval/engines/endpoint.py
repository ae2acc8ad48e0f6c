"""Any OpenAI-compatible server as an engine: vLLM, SGLang, llama.cpp, a hosted API. Needs no torch.

Each sample is a request of its own with its own seed, so that it can be drawn again alone and is kept as soon as it
is there.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from anyio.from_thread import start_blocking_portal

from or1_eval.errors import EngineError
from or1_eval.types import Completion, CompletionLike, Prompt, Sampling
from or1_rollout.engines.openai import EndpointSettings, OpenAIClient, Response, map_concurrently
from or1_rollout.engines.openai.errors import RequestRefusedError
from or1_rollout.engines.openai.models import ServedModel, served_model
from or1_rollout.engines.openai.sampled_with import SampledWith, server_facts
from or1_rollout.environments import Environment, TurnLimits
from or1_rollout.environments.chat import converse
from or1_rollout.errors import EndpointError, EnvironmentFailure
from or1_rollout.types import FinishReason

_Arrival = tuple[int, CompletionLike]
"""(position of the request, its completion)"""


class EndpointEngine:
    """Draws samples from a server."""

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        on_notice: Callable[[str], None] | None = None,
        environment: Environment | None = None,
        limits: TurnLimits | None = None,
    ) -> None:
        """Nothing is sent until it must be. `on_notice` is told what is waited for.

        With an `environment` responses have several turns, up to `limits`.
        """
        self.settings, self._environment, self._limits = settings, environment, limits
        self.on_notice = on_notice
        self._said = SampledWith()
        self._served: ServedModel | None = None

    @property
    def model(self) -> str:
        """The model's name; the server is asked once where it was not given.

        Raises:
            EngineError: the server does not answer, or serves several models.
        """
        return self.settings.model or self._ask_model().name

    def describe(self) -> dict[str, Any]:
        """For the fingerprint, with what the server tells of itself."""
        settings = self.settings
        found = {"engine": "openai-compatible endpoint", "model": self.model, "url": settings.base_url}
        found |= {} if self._environment is None else {"environment": f"{self._environment.name}, {self._limits}"}
        said: dict[str, Any] = found | {"extra_body": dict(settings.extra_body), "send_seed": settings.send_seed}
        with suppress(EngineError):  # a server that was given a name need not list its models
            if limit := self._ask_model().context_tokens:
                said["context_tokens"] = limit
            if facts := server_facts(settings):
                said["server"] = facts
        return said

    def sampled_with(self) -> dict[str, Any]:
        """What the server said so far of model and sampling (`SampledWith.to_json`)."""
        return self._said.to_json()

    def stream(
        self,
        prompts: Sequence[Prompt],
        params: Sampling,
        seeds: Sequence[int],
        *,
        on_tokens: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[int, CompletionLike]]:
        """One request per prompt [S] with its seed [S]; yields (position, completion) as responses arrive.

        A request that is refused alone, such as a prompt that is too long, is an aborted completion.

        Raises:
            EngineError: no server answers; the open requests are called back.
        """
        arrived: queue.SimpleQueue[_Arrival | None] = queue.SimpleQueue()
        with start_blocking_portal() as portal:
            serving = portal.start_task_soon(self._serve, prompts, params, seeds, arrived.put, on_tokens)
            serving.add_done_callback(lambda _: arrived.put(None))
            try:
                yield from iter(arrived.get, None)
            finally:
                serving.cancel()
            try:
                serving.result()
            except EndpointError as error:
                raise EngineError(str(error)) from error

    def close(self) -> None:
        """Nothing is held between calls."""

    async def _serve(
        self,
        prompts: Sequence[Prompt],
        params: Sampling,
        seeds: Sequence[int],
        put: Callable[[_Arrival], None],
        on_tokens: Callable[[int], None] | None,
    ) -> None:
        said, notice = self._said, self.on_notice
        async with OpenAIClient(self.settings, sampled_with=said, on_tokens=on_tokens, on_notice=notice) as client:

            async def one(position: int) -> None:
                try:
                    put((position, await self._one(client, prompts[position], params, seeds[position])))
                except RequestRefusedError as error:
                    put((position, Completion(text="", finish_reason="abort", error=str(error), is_refused=True)))
                except EnvironmentFailure as error:
                    put((position, Completion(text="", finish_reason="abort", error=str(error))))

            await map_concurrently(range(len(prompts)), self.settings.concurrency, one)

    async def _one(self, client: OpenAIClient, prompt: Prompt, params: Sampling, seed: int) -> CompletionLike:
        if self._environment is None:
            return _completion(await client.sample(prompt, params, seed=seed))
        return await converse(client, self._environment, prompt, params, seed=seed, limits=self._limits)

    def _ask_model(self) -> ServedModel:
        if self._served is None:
            try:
                patience_s = 0.0 if self.settings.attempts else self.settings.patience_s
                self._served = served_model(self.settings, patience_s=patience_s, on_wait=self.on_notice)
            except EndpointError as error:
                raise EngineError(str(error)) from error
        return self._served


def endpoint(url: str, **settings: Any) -> EndpointEngine:
    """An engine over a server, the key from OPENAI_API_KEY unless given; see `EndpointSettings`."""
    settings.setdefault("api_key", os.environ.get("OPENAI_API_KEY", ""))
    return EndpointEngine(EndpointSettings(url=url, **settings))


def _completion(response: Response) -> Completion:
    is_given_up = response.finish_reason == FinishReason.ABORT
    return Completion(
        text=response.joined_text,
        finish_reason=str(response.finish_reason),
        token_ids=tuple(response.token_ids.tolist()),
        num_tokens=response.num_tokens,
        error=f"the server ended the response by {response.ended_by!r}" if is_given_up else "",
    )
