"""`EndpointEngine`: groups of completions from OpenAI-compatible servers, one request per sample with its own seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from or1_rollout.async_engine import WaitingEngine, run_sync
from or1_rollout.engine import OnGroup, OnSample, OnTokens
from or1_rollout.engines.openai.client import OpenAIClient
from or1_rollout.engines.openai.concurrency import map_concurrently
from or1_rollout.engines.openai.errors import RequestRefusedError
from or1_rollout.engines.openai.logprobs import gives_sampling_logprobs
from or1_rollout.engines.openai.models import served_model
from or1_rollout.engines.openai.request import request_body
from or1_rollout.engines.openai.sampled_with import SampledWith
from or1_rollout.engines.openai.settings import EndpointSettings
from or1_rollout.engines.openai.turns import serve_feed
from or1_rollout.errors import EndpointError
from or1_rollout.groups import GroupCollector, limited, seeds_of
from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams
from or1_rollout.weight_sync import Probe, WeightStream

_Place = tuple[int, int]
"""(prompt, sample)"""


class EndpointEngine(WaitingEngine):
    """Samples from OpenAI-compatible servers; fits the protocol `or1_rollout.Engine`.

    The servers take no weights and score no given tokens, so `sync_weights` and `logprobs` raise `EndpointError`.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is sent yet. `on_notice(text)` is called while a server is waited for; None: the text is logged."""
        self.settings, self._on_notice, self._said = settings, on_notice, SampledWith()

    async def agenerate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        limits: Sequence[int] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
        on_tokens: OnTokens | None = None,
    ) -> list[list[Completion]]:
        """Sample [P][G] completions, see `Engine.agenerate`; the callbacks are called in the event loop.

        When the task is cancelled, its open requests are closed.

        `token_ids` are there where the server gives them (vLLM does), `logprobs` where they are also known to be those
        of the distribution that was drawn from. A sample whose request alone is refused, for example because its
        prompt is too long, has finish reason abort and no tokens. Raises `EndpointError` when all are refused, or
        when no server answers.
        """
        seeds_PG = seeds_of(params, len(prompts), seeds)
        collector = GroupCollector(len(prompts), params.n, on_group, on_sample)
        place_seeds = {(p, g): seed for p, group in enumerate(seeds_PG) for g, seed in enumerate(group)}
        params_P = limited(params, len(prompts), limits)
        refusals = await self._all(prompts, params_P, place_seeds, collector.put, on_tokens)
        if place_seeds and len(refusals) == len(place_seeds):
            raise refusals[0]
        return collector.groups()

    def generate_turns(self, feed: Feed, params: SamplingParams, *, on_tokens: OnTokens | None = None) -> None:
        """Sample the requests of `feed` until there are no more, see `Engine.generate_turns`.

        A turn whose request alone is refused has finish reason abort.
        """
        run_sync(self._serve(feed, params, on_tokens))

    async def _serve(self, feed: Feed, params: SamplingParams, on_tokens: OnTokens | None) -> None:
        async with self._client(on_tokens) as client:
            keeps, asking = list[bool](), asyncio.Lock()  # one value: whether the server's log-probs are kept

            async def sample(turn: TurnRequest) -> Completion:
                async with asking:  # the server is asked once, with whichever prompt comes first
                    if not keeps:
                        keeps.append(await gives_sampling_logprobs(client, turn.prompt, params))
                own = replace(params, max_new_tokens=turn.max_new_tokens)
                return await self._one(client, turn.prompt, own, turn.seed, [], keeps_logprobs=keeps[0])

            await serve_feed(feed, self.settings.concurrency, sample)

    @property
    def model(self) -> str:
        """The model's name; the server is asked once where it was not given. Raises `EndpointError`."""
        if not self.settings.model:
            self.settings = replace(self.settings, model=served_model(self.settings).name)
        return self.settings.model

    def sampled_with(self) -> dict[str, Any]:
        """What the server said so far of model and sampling parameters, as JSON (`SampledWith.to_json`)."""
        return self._said.to_json()

    def sync_weights(self, weights: WeightStream, *, version: int, probe: Probe) -> NoReturn:
        """Refuse: the server's weights are its own."""
        raise EndpointError(f"{self.settings.url} cannot receive weights; train with the engines transformers or vllm")

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """Refuse: this interface scores only what it samples."""
        raise EndpointError(f"{self.settings.url} returns log-probs only of tokens that it samples itself")

    def sleep(self) -> bool:
        """Do nothing: the server's memory is its own."""
        return False

    def close(self) -> None:
        """Nothing is held between calls."""

    async def _all(
        self,
        prompts: Sequence[Prompt],
        params_P: Sequence[SamplingParams],
        seeds: Mapping[_Place, int],
        done: Callable[[int, int, Completion], None],
        on_tokens: OnTokens | None,
    ) -> list[RequestRefusedError]:
        """Draw all samples; return the errors of those whose request was refused."""
        refusals: list[RequestRefusedError] = []
        if not seeds:
            return refusals
        async with self._client(on_tokens) as client:
            keeps_logprobs = await gives_sampling_logprobs(client, prompts[0], params_P[0])

            async def one(place: _Place) -> None:
                prompt, params, seed = prompts[place[0]], params_P[place[0]], seeds[place]
                done(*place, await self._one(client, prompt, params, seed, refusals, keeps_logprobs=keeps_logprobs))

            await map_concurrently(list(seeds), self.settings.concurrency, one)
        return refusals

    def _client(self, on_tokens: OnTokens | None) -> OpenAIClient:
        settings = replace(self.settings, model=self.model)
        return OpenAIClient(settings, sampled_with=self._said, on_tokens=on_tokens, on_notice=self._on_notice)

    async def _one(
        self,
        client: OpenAIClient,
        prompt: Prompt,
        params: SamplingParams,
        seed: int,
        refusals: list[RequestRefusedError],
        *,
        keeps_logprobs: bool,
    ) -> Completion:
        """One sample; if its request is refused, the error is added to `refusals` and the finish reason is abort."""
        joins = self.settings.reasoning == "joined"
        try:
            response = await client.send(request_body(client.model, prompt, params, seed))
            return response.completion(seed, keeps_logprobs=keeps_logprobs, joins_reasoning=joins)
        except RequestRefusedError as error:
            refusals.append(error)
            return _refused(seed)


def _refused(seed: int) -> Completion:
    return Completion(
        token_ids=np.zeros(0, dtype=np.int32), logprobs=None, text="", finish_reason=FinishReason.ABORT, seed=seed
    )
