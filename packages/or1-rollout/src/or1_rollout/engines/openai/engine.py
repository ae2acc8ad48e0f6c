"""`EndpointEngine`: groups of completions from OpenAI-compatible servers, one request per sample with its own seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn, Unpack

from or1_rollout.async_engine import WaitingEngine, run_sync
from or1_rollout.engine import GenerateOptions, OnTokens
from or1_rollout.engines.openai.client import OpenAIClient
from or1_rollout.engines.openai.concurrency import draw_groups, serve_feed
from or1_rollout.engines.openai.errors import RequestRefusedError
from or1_rollout.engines.openai.logprobs import gives_sampling_logprobs
from or1_rollout.engines.openai.models import served_model
from or1_rollout.engines.openai.response import Response
from or1_rollout.engines.openai.sampled_with import SampledWith
from or1_rollout.engines.openai.settings import EndpointSettings
from or1_rollout.errors import EndpointError
from or1_rollout.groups import GroupFeed
from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams
from or1_rollout.weight_sync import Probe, WeightStream


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
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """Sample [P][G] completions, see `Engine.agenerate`; the callbacks are called in the event loop.

        When the task is cancelled, its open requests are closed.

        `token_ids` are there where the server gives them (vLLM does), `logprobs` where they are also known to be those
        of the distribution that was drawn from. A sample whose request alone is refused, for example because its
        prompt is too long, has finish reason abort and no tokens. Raises `EndpointError` when all are refused, or
        when no server answers.
        """
        feed = GroupFeed(prompts, params, options)
        if not feed.requests:
            return []
        async with self._client(options.get("on_tokens")) as client:
            sampler = _Sampler(client, params)
            groups = await draw_groups(feed, self.settings.concurrency, sampler.draw)
        if len(sampler.refusals) == len(feed.requests):
            raise sampler.refusals[0]
        return groups

    def generate_turns(self, feed: Feed, params: SamplingParams, *, on_tokens: OnTokens | None = None) -> None:
        """Sample the requests of `feed` until there are no more, see `Engine.generate_turns`.

        A turn whose request alone is refused has finish reason abort.
        """
        run_sync(self._serve(feed, params, on_tokens))

    async def _serve(self, feed: Feed, params: SamplingParams, on_tokens: OnTokens | None) -> None:
        async with self._client(on_tokens) as client:
            await serve_feed(feed, self.settings.concurrency, _Sampler(client, params).draw)

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

    def close(self) -> None:
        """Nothing is held between calls."""

    def _client(self, on_tokens: OnTokens | None) -> OpenAIClient:
        settings = replace(self.settings, model=self.model)
        return OpenAIClient(settings, sampled_with=self._said, on_tokens=on_tokens, on_notice=self._on_notice)


class _Sampler:
    """Draws the samples of one call."""

    def __init__(self, client: OpenAIClient, params: SamplingParams) -> None:
        self._client, self._params = client, params
        self._keeps_logprobs: bool | None = None
        self._asking = asyncio.Lock()
        self.refusals: list[RequestRefusedError] = []
        """Errors of the samples whose request was refused."""

    async def draw(self, turn: TurnRequest) -> Completion:
        """One sample; if its request is refused, the error is added to `refusals` and the finish reason is abort."""
        async with self._asking:  # the server is asked once, with whichever prompt comes first
            if self._keeps_logprobs is None:
                self._keeps_logprobs = await gives_sampling_logprobs(self._client, turn.prompt, self._params)
        own = replace(self._params, max_new_tokens=turn.max_new_tokens)
        try:
            response = await self._client.sample(turn.prompt, own, seed=turn.seed, logprobs=True)
        except RequestRefusedError as error:
            self.refusals.append(error)
            response = Response(text="", finish_reason=FinishReason.ABORT)
        joins = self._client.settings.reasoning == "joined"
        return response.completion(turn.seed, keeps_logprobs=self._keeps_logprobs, joins_reasoning=joins)
