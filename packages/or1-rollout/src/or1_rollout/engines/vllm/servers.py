"""`VllmServers`: several `vllm serve` processes, here or on other machines, as one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from or1_rollout.async_engine import WaitingEngine, run_sync
from or1_rollout.engine import GenerateOptions, OnTokens
from or1_rollout.engines.openai.client import OpenAIClient
from or1_rollout.engines.openai.concurrency import Sample, draw_groups, serve_feed
from or1_rollout.engines.openai.models import served_model
from or1_rollout.engines.openai.selector import LeastBusyServer
from or1_rollout.engines.openai.settings import EndpointSettings
from or1_rollout.engines.vllm.control import Control
from or1_rollout.engines.vllm.request import gives_logprobs
from or1_rollout.engines.vllm.transfer import WeightSender
from or1_rollout.errors import EndpointError, EngineError, WeightMismatch
from or1_rollout.groups import GroupFeed
from or1_rollout.prompts import prompt_ids
from or1_rollout.turns import Feed, TurnRequest
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_rollout.weight_sync import Fingerprint, FingerprintingStream, Probe, WeightStream
from or1_rollout.weight_sync.check import check_fingerprints, check_probe


class VllmServers(WaitingEngine):
    """Implements `or1_rollout.Engine`. Requests go to the least busy server; one that dies is left out.

    Its requests are repeated on the others: a sample depends on weights, prompt and seed only. A server that comes
    back has the weights of its file. It is used again if their fingerprints are those of the last weight sync, else
    after the next one. Before the first sync it is used again if its weight version is the one it began with.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        tokenizer: Any = None,
        settings: EndpointSettings | None = None,
        transfer: str = "shared_memory",
        rank: int = 0,
        patience_s: float = 600.0,
    ) -> None:
        """Servers by URL. `transfer`: shared memory for servers on this machine's CPU, `ipc` on its GPUs, else `nccl`.

        `tokenizer` is needed for chat messages only: they are sent as token ids, as everything is.
        """
        if transfer == "in_process":
            raise EngineError("the workers of servers are not in this process: use the transfer shared_memory or nccl")
        self.weight_version, self.tokenizer = 0, tokenizer
        roots = [url.rstrip("/").removesuffix("/v1") for url in urls]
        self.pool = LeastBusyServer(roots, is_ready=self._is_current, patience_s=patience_s)
        self._control = Control(self.pool)
        self._settings = settings or EndpointSettings(url=self.pool.servers[0].url)
        self._sender = WeightSender(transfer, self._control, rank=rank)
        self._rank, self._is_synced = rank, True
        self._synced: Mapping[str, Fingerprint] | None = None
        """Fingerprints of the weights of the last sync."""
        self._labels: dict[str, str | None] = {}

    async def agenerate(
        self, prompts: Sequence[Prompt], params: SamplingParams, **options: Unpack[GenerateOptions]
    ) -> list[list[Completion]]:
        """See `Engine.agenerate`; the callbacks come in the event loop. Interrupted, vLLM aborts its requests."""
        self._check_synced()
        encoded = [self.encode(prompt) for prompt in prompts]
        if empty := [index for index, ids in enumerate(encoded) if not ids]:
            raise EndpointError(f"prompt {empty[0]} has no tokens; it needs at least one")
        feed = GroupFeed(encoded, params, options)
        async with self._client(options.get("on_tokens")) as client:
            return await draw_groups(feed, client.settings.concurrency, self._sampler(client, params))

    def generate_turns(self, feed: Feed, params: SamplingParams, *, on_tokens: OnTokens | None = None) -> None:
        """See `Engine.generate_turns`. The tokens before a turn come from a server's prefix cache where it has them."""
        self._check_synced()
        run_sync(self._serve(feed, params, on_tokens))

    async def _serve(self, feed: Feed, params: SamplingParams, on_tokens: OnTokens | None) -> None:
        async with self._client(on_tokens) as client:
            await serve_feed(feed, client.settings.concurrency, self._sampler(client, params))

    def _sampler(self, client: OpenAIClient, params: SamplingParams) -> Sample:
        version, keeps = self.weight_version, gives_logprobs(params)

        async def sample(turn: TurnRequest) -> Completion:
            own = replace(params, max_new_tokens=turn.max_new_tokens)
            response = await client.complete(self.encode(turn.prompt), own, seed=turn.seed, logprobs=keeps)
            return response.completion(turn.seed, keeps_logprobs=keeps, weight_version=version)

        return sample

    def _check_synced(self) -> None:
        if not self._is_synced:
            raise EndpointError("the last weight sync failed and the servers may hold a mixture of weights; sync again")
        self._labels = self._labels or {s.url: self._control.weight_version(s.url) for s in self.pool.up()}

    def _client(self, on_tokens: OnTokens | None) -> OpenAIClient:
        concurrency, is_counted = self._settings.concurrency * len(self.pool.servers), on_tokens is not None
        settings = replace(self._settings, model=self.model, concurrency=concurrency, stream=is_counted)
        return OpenAIClient(settings, selector=self.pool, on_tokens=on_tokens)

    def sync_weights(self, weights: WeightStream, *, version: int, probe: Probe) -> None:
        """See `Engine.sync_weights`: into every server that is up; tensors are compared by their fingerprints.

        Several ranks may share the servers. All must call this, as the stream may be collective; rank 0 sends and
        checks, and the others must not generate before it is done.
        """
        self._is_synced, self._synced = False, None
        for server in self.pool.servers:
            if server.is_down:  # one that answers takes part
                server.is_down = not self._control.is_up(server.url)
        stream = FingerprintingStream(weights)
        self._sender.send(stream)
        if self._rank == 0:
            self._control.settle(version)
            for held in self._control.fingerprints().values():
                check_fingerprints(stream.fingerprints, held)
            for logprobs in self._logprobs(probe.prompt_ids, probe.response_ids).values():
                check_probe(probe, logprobs)
        self._labels = {server.url: str(version) for server in self.pool.servers}
        self._synced, self._is_synced, self.weight_version = stream.fingerprints, True, version

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """See `Engine.logprobs`; every server that is up computes them, and they must agree to 1e-3."""
        (first_url, first), *others = self._logprobs(prompt_ids, response_ids).items()
        for url, values in others:
            if any(not abs(a - b) <= 1e-3 for a, b in zip(first, values, strict=True)):
                raise WeightMismatch(f"{url} and {first_url} compute different log-probs of the same tokens")
        return first

    def _logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> dict[str, list[float]]:
        """The log-probs that every server computes, by URL."""
        body = {"model": self.model, "prompt": [*prompt_ids, *response_ids], "max_tokens": 1, "temperature": 0.0}
        by_url: dict[str, list[float]] = {}
        for url, choice in self._control.probe({**body, "prompt_logprobs": 0}).items():
            known = choice["prompt_logprobs"][len(prompt_ids) :]
            by_url[url] = [float(k[str(t)]["logprob"]) for t, k in zip(response_ids, known, strict=True)]
        return by_url

    @property
    def model(self) -> str:
        """The name the servers serve the model under."""
        if not self._settings.model:
            up = self.pool.up() or self.pool.servers
            name = served_model(replace(self._settings, url=up[0].url)).name
            self._settings = replace(self._settings, model=name)
        return self._settings.model

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids; messages and text need the tokenizer."""
        if self.tokenizer is None and (isinstance(prompt, str) or (prompt and not isinstance(prompt[0], int))):
            raise EndpointError(
                "a prompt of text or messages needs the model's tokenizer: VllmServers(..., tokenizer=...), or --model "
                "FOLDER on the command line"
            )
        return prompt_ids(prompt, self.tokenizer)

    def close(self) -> None:
        """Close the connections; the servers run on."""
        self._sender.close()
        self._control.close()

    def _is_current(self, url: str) -> bool:
        if self._synced is not None:  # a version says little: an earlier run may have left the same one
            return self._control.holds(url, self._synced)
        return self._control.is_up(url) and self._control.weight_version(url) == self._labels.get(url)
