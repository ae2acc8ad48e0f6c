"""`VllmServers`: several `vllm serve` processes, here or on other machines, as one engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from or1_rollout.engine import OnGroup, OnSample
from or1_rollout.engines.openai.client import OpenAIClient
from or1_rollout.engines.openai.concurrency import map_concurrently, run_sync
from or1_rollout.engines.openai.models import served_model
from or1_rollout.engines.openai.settings import EndpointSettings
from or1_rollout.engines.vllm.control import Control
from or1_rollout.engines.vllm.pool import Pool
from or1_rollout.engines.vllm.request import gives_logprobs
from or1_rollout.engines.vllm.transfer import Push
from or1_rollout.errors import EndpointError, WeightPushError
from or1_rollout.groups import GroupCollector, seeds_of
from or1_rollout.prompts import prompt_ids
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_rollout.weight_sync.proof import Fingerprint

if TYPE_CHECKING:
    from torch import Tensor


class VllmServers:
    """Fits `or1_rollout.Engine`. Requests go to the least busy server; one that dies is left out.

    Its requests are drawn again elsewhere: a sample depends on weights, prompt and seed only. A server that comes
    back has the weights of its file: it is used again if those are the ones that were proven last (by fingerprint),
    else after the next push. Before any push, a server is taken back when it carries the label it began with.
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
        self.weight_version, self.tokenizer = 0, tokenizer
        self.pool = Pool(urls, self._is_current, patience_s=patience_s)
        self._control = Control(self.pool)
        self._settings = settings or EndpointSettings(url=self.pool.servers[0].url)
        self._push = Push(transfer, self._control, rank=rank)
        self._rank, self._is_whole = rank, True
        self._held: Mapping[str, Fingerprint] | None = None
        self._labels: dict[str, str | None] = {}

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
    ) -> list[list[Completion]]:
        """See `Engine.generate`. Interrupted, the open requests are cut and vLLM aborts them."""
        if not self._is_whole:
            raise EndpointError("the last weight push broke off and the servers hold a mixture; push all of them again")
        seeds_PG = seeds_of(params, len(prompts), seeds)
        encoded = [self.encode(prompt) for prompt in prompts]
        self._labels = self._labels or {s.url: self._control.weight_version(s.url) for s in self.pool.up()}
        if empty := [index for index, ids in enumerate(encoded) if not ids]:
            raise EndpointError(f"prompt {empty[0]} has no tokens; it needs at least one")
        collector = GroupCollector(len(prompts), params.n, on_group, on_sample)
        seeds_of_place = {(p, g): seed for p, row in enumerate(seeds_PG) for g, seed in enumerate(row)}
        run_sync(self._all(encoded, params, seeds_of_place, collector.put))
        return collector.groups()

    def update_weights(self, named: Iterable[tuple[str, Tensor]], *, version: int) -> None:
        """See `Engine.update_weights`: into every server that is up, each of which then carries `version`."""
        self._is_whole, self._held = False, None
        self._rejoin()
        self._push(named)
        if self._rank == 0:
            self._control.settle(version)
        self._labels = {server.url: str(version) for server in self.pool.servers}
        self._is_whole, self.weight_version = True, version

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """See `Engine.fingerprints`. Raises `WeightPushError` where two servers hold different weights."""
        by_url = self._control.fingerprints()
        (first_url, first), *others = by_url.items()
        for url, held in others:
            if wrong := sorted(name for name in first.keys() | held.keys() if first.get(name) != held.get(name)):
                raise WeightPushError(f"{url} and {first_url} hold different values of {', '.join(wrong[:5])}")
        self._held = first
        return first

    def logprobs(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> list[float]:
        """See `Engine.logprobs`; every server that is up computes them, and they must agree to 1e-3."""
        body = {"model": self.model, "prompt": [*prompt_ids, *response_ids], "max_tokens": 1, "temperature": 0.0}
        by_url: dict[str, list[float]] = {}
        for url, choice in self._control.probe({**body, "prompt_logprobs": 0}).items():
            known = choice["prompt_logprobs"][len(prompt_ids) :]
            by_url[url] = [float(k[str(t)]["logprob"]) for t, k in zip(response_ids, known, strict=True)]
        (first_url, first), *others = by_url.items()
        for url, values in others:
            if any(not abs(a - b) <= 1e-3 for a, b in zip(first, values, strict=True)):
                raise WeightPushError(f"{url} and {first_url} compute different log-probs of the probe")
        return first

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
        """Leave the transfer; the servers run on."""
        self._push.close()
        self._control.close()

    async def _all(
        self,
        encoded: Sequence[Sequence[int]],
        params: SamplingParams,
        seeds: Mapping[tuple[int, int], int],
        done: Callable[[int, int, Completion], None],
    ) -> None:
        concurrency = self._settings.concurrency * len(self.pool.servers)
        settings = replace(self._settings, model=self.model, concurrency=concurrency, stream=False)
        version, keeps = self.weight_version, gives_logprobs(params)
        async with OpenAIClient(settings, selector=self.pool) as client:

            async def one(place: tuple[int, int]) -> None:
                made = await client.complete(encoded[place[0]], params, seed=seeds[place], logprobs=keeps)
                completion = made.completion(seeds[place], keeps_logprobs=keeps, weight_version=version)
                done(*place, completion)

            await map_concurrently(list(seeds), concurrency, one)

    def _is_current(self, url: str) -> bool:
        if self._held is not None:  # a label proves little: an earlier run may have left the same one
            return self._control.holds(url, self._held)
        return self._control.is_up(url) and self._control.weight_version(url) == self._labels.get(url)

    def _rejoin(self) -> None:
        """Before a push every server that answers takes part again."""
        for server in self.pool.servers:
            if server.is_down:
                server.is_down = not self._control.is_up(server.url)
