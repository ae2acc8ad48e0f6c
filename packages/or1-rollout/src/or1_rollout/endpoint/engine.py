"""`EndpointEngine`: groups of completions from a server, one request per sample with its own seed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import httpx

from or1_rollout.endpoint.journal import Journal, key_of
from or1_rollout.endpoint.lanes import each, run
from or1_rollout.endpoint.post import One, Poster
from or1_rollout.endpoint.settings import EndpointSettings
from or1_rollout.endpoint.wire import request_body
from or1_rollout.engine import OnGroup, OnSample
from or1_rollout.errors import EndpointError
from or1_rollout.groups import GroupCollector, seeds_of
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_rollout.weight_sync.proof import Fingerprint

if TYPE_CHECKING:
    from torch import Tensor


class EndpointEngine:
    """Fits `or1_rollout.Engine`, but for weights: a server that is not ours takes none."""

    def __init__(self, settings: EndpointSettings, *, on_tokens: Callable[[int], None] | None = None) -> None:
        """Nothing is sent yet. `on_tokens(n)` hears of every n new tokens while responses stream in."""
        key = settings.api_key or os.environ.get("OPENAI_API_KEY", "")
        self.settings = settings
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._on_tokens = on_tokens or (lambda _: None)
        self._model = settings.model
        self._journal = Journal(settings.journal) if settings.journal else None

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
    ) -> list[list[Completion]]:
        """See `Engine.generate`. Raises `EndpointError` when a request fails for good; the journal keeps the others.

        `token_ids` and `logprobs` are there where the server gives them (vLLM does).
        """
        seeds_PG = seeds_of(params, len(prompts), seeds)
        collector = GroupCollector(len(prompts), params.n, on_group, on_sample)
        bodies = {
            (p, g): request_body(self.model, prompts[p], params, seed, stream=self.settings.stream)
            for p, group in enumerate(seeds_PG)
            for g, seed in enumerate(group)
        }
        run(self._all(bodies, {(p, g): seeds_PG[p][g] for p, g in bodies}, collector.put))
        return collector.groups()

    @property
    def model(self) -> str:
        """The model's name; the server is asked once where it was not given. Raises `EndpointError`."""
        if not self._model:
            self._model = only_model(self.settings, self._headers)
        return self._model

    def update_weights(self, named: Iterable[tuple[str, Tensor]], *, version: int) -> NoReturn:
        """No: the server's weights are its own."""
        raise EndpointError(f"{self.settings.url} takes no weights; train with the engines transformers or vllm")

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """No: a server does not show its weights."""
        raise EndpointError(f"{self.settings.url} does not show its weights")

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """No: this interface scores only what it samples."""
        raise EndpointError(f"{self.settings.url} scores only what it samples itself")

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    async def _all(
        self,
        bodies: Mapping[tuple[int, int], Mapping[str, Any]],
        seeds: Mapping[tuple[int, int], int],
        done: Callable[[int, int, Completion], None],
    ) -> None:
        settings = self.settings
        poster = Poster(settings, One(settings.base_url), self._on_tokens)
        async with http_client(settings, self._headers) as client:

            async def one(place: tuple[int, int]) -> None:
                key = key_of(bodies[place])
                known = self._journal.get(key) if self._journal is not None else None
                completion = known or await poster.complete(client, bodies[place], seeds[place])
                if self._journal is not None and known is None:
                    self._journal.put(key, completion)
                done(*place, completion)

            await each(list(bodies), settings.concurrency, one)


def http_client(settings: EndpointSettings, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """As many connections as requests in flight."""
    timeout = httpx.Timeout(settings.timeout_s, connect=settings.connect_timeout_s, pool=None)
    limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
    return httpx.AsyncClient(headers=dict(headers), timeout=timeout, limits=limits)


def only_model(settings: EndpointSettings, headers: Mapping[str, str]) -> str:
    """The one model that a server serves. Raises `EndpointError` where it says none or several."""
    url = f"{settings.base_url}/models"
    try:
        answer = httpx.get(url, headers=dict(headers), timeout=settings.connect_timeout_s)
        answer.raise_for_status()
        names = [str(entry["id"]) for entry in answer.json()["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise EndpointError(f"{url} does not say which model is served: {error!r}") from error
    if len(names) != 1:
        raise EndpointError(f"{url} names {len(names)} models ({', '.join(names[:8])}); say which one")
    return names[0]
