"""The engines of all ranks as one engine: prompts are dealt to the engines, and each rank keeps its groups.

Axes: P prompts, G completions per prompt. All calls are collective over the world.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from or1_rollout.engine import Engine, OnGroup, OnSample, OnTokens
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_trainer.metrics.spans import SpanLog
from or1_trainer.train.exchange import Exchange


class Fleet:
    """One engine per rank, or per `ranks_per_engine` neighboring ranks, used together.

    Prompt p goes to engine p mod E. The ranks of one engine all see its completions; each keeps every
    `ranks_per_engine`-th group.
    """

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        *,
        ranks_per_engine: int = 1,
        on_tokens: OnTokens | None = None,
        spans: SpanLog | None = None,
    ) -> None:
        """`engine` is this rank's, or this rank's part of one; `on_tokens(n)` hears of n tokens that it sampled.

        `spans` gets the requests, each from its submission, so that its wait counts.
        """
        self._told: dict[str, Any] = {} if on_tokens is None else {"on_tokens": on_tokens}
        self.engine, self.exchange = engine, exchange
        self.runtime = exchange.runtime
        self._spans = spans or SpanLog()
        self._ranks_per_engine = ranks_per_engine
        self._num_engines = self.runtime.world_size // ranks_per_engine

    def owner(self, index: int) -> int:
        """The rank that keeps the group of prompt `index`."""
        engine, place = index % self._num_engines, index // self._num_engines
        return engine * self._ranks_per_engine + place % self._ranks_per_engine

    def own(self, num_prompts: int, rank: int | None = None) -> range:
        """Indices of the prompts whose groups `rank` keeps (None: this rank)."""
        engine, place = divmod(self.runtime.rank if rank is None else rank, self._ranks_per_engine)
        return range(engine + place * self._num_engines, num_prompts, self.runtime.world_size)

    def sample(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None,
        limits: Sequence[int] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
    ) -> list[list[Completion]]:
        """[P] prompts -> the groups of `own(P)`; the callbacks see these, as they end. `limits` as the engine's."""
        share, engines, own = self.runtime.rank // self._ranks_per_engine, self._num_engines, self.own(len(prompts))
        if seeds is None and engines > 1:
            raise ValueError(
                "a fleet of several ranks needs explicit seeds: an engine would derive them from its own share"
            )

        begin_ns = time.time_ns()

        def group_ended(place: int, completions: list[Completion]) -> None:
            if on_group is not None and (index := share + place * engines) in own:
                on_group(index, completions)

        def sample_ended(place: int, sample: int, completion: Completion) -> None:
            if (index := share + place * engines) not in own:
                return
            about = {"tokens": len(completion.token_ids), "end": completion.finish_reason.value}
            self._spans.add("request", f"prompt {index} sample {sample}", begin_ns, **about)
            if on_sample is not None:
                on_sample(index, sample, completion)

        groups = self.engine.generate(
            prompts[share::engines],
            params,
            seeds=None if seeds is None else seeds[share::engines],
            on_group=group_ended,
            on_sample=sample_ended,
            **(self._told if limits is None else {**self._told, "limits": limits[share::engines]}),
        )
        return [groups[index // engines] for index in own]

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
    ) -> list[list[Completion]]:
        """[P] prompts -> [P][G] completions, the same on every rank; the callbacks see this rank's, as they end.

        The signature is that of `or1_rollout.Engine.generate`: an evaluation takes a fleet for an engine.
        """
        parts = self.exchange.gather(self.sample(prompts, params, seeds=seeds, on_group=on_group, on_sample=on_sample))
        groups: list[Any] = [None] * len(prompts)
        for rank, part in enumerate(parts):
            for index, completions in zip(self.own(len(prompts), rank), part, strict=True):
                groups[index] = completions
        return groups

    def sleep(self) -> dict[str, float]:
        """Let the engine release its GPU memory until the next weight sync; free GB before and after."""
        before, _ = torch.cuda.mem_get_info() if torch.cuda.is_available() else (0, 0)
        if not self.engine.sleep():
            return {}
        after, _ = torch.cuda.mem_get_info()
        return {"memory/free_awake_gb": before / 1e9, "memory/free_asleep_gb": after / 1e9}

    def close(self) -> None:
        """Close this rank's engine."""
        self.engine.close()
