"""The engines of all ranks as one engine: prompts are dealt out, groups come back in order, everywhere.

Axes: P prompts, G completions per prompt. `Fleet.generate` has the signature of `or1_rollout.Engine.generate`, so
that whatever takes an engine (evaluation, difficulty) takes a fleet. All calls are collective over the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from or1_rollout.engine import Engine, OnGroup, OnSample
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_trainer.policy.parallel import Runtime

Item = TypeVar("Item")


class Exchange:
    """Objects from every rank to every rank, on a process group of its own.

    Rollouts may run in a thread beside the training of the last batch: their collectives must not mix with its.
    """

    def __init__(self, runtime: Runtime, *, timeout_s: float = 1800.0) -> None:
        """Form the group; collective. Objects travel over gloo, whatever the tensors travel over."""
        self.runtime = runtime
        timeout = timedelta(seconds=timeout_s)
        self._group = dist.new_group(backend="gloo", timeout=timeout) if runtime.world_size > 1 else None

    def gather(self, value: Item) -> list[Item]:
        """The value of every rank, in rank order, on every rank."""
        if self.runtime.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.runtime.world_size
        dist.all_gather_object(values, value, group=self._group)
        return values

    def wait(self) -> None:
        """Until every rank is here."""
        if self.runtime.world_size > 1:
            dist.barrier(group=self._group)


def interleave(parts: Sequence[Sequence[Item]]) -> list[Item]:
    """Undo the dealing `items[rank::world]`."""
    merged: list[Any] = [None] * sum(len(part) for part in parts)
    for rank, part in enumerate(parts):
        merged[rank :: len(parts)] = part
    return merged


class Fleet:
    """One engine per rank, or per `ranks_per_engine` neighbouring ranks, used together."""

    def __init__(self, engine: Engine, exchange: Exchange, *, ranks_per_engine: int = 1) -> None:
        self.engine, self.exchange = engine, exchange
        self.runtime = exchange.runtime
        self._ranks_per_engine = ranks_per_engine

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: OnGroup | None = None,
        on_sample: OnSample | None = None,
    ) -> list[list[Completion]]:
        """[P] prompts -> [P][G] completions, the same on every rank; the callbacks see this rank's, as they end."""
        share, engines = self.runtime.rank // self._ranks_per_engine, self._num_engines
        if seeds is None and engines > 1:
            raise ValueError(
                "a fleet of several ranks needs explicit seeds: an engine would derive them from its own share"
            )
        mine = self.engine.generate(
            prompts[share::engines],
            params,
            seeds=None if seeds is None else seeds[share::engines],
            on_group=None if on_group is None else lambda p, group: on_group(p * engines + share, group),
            on_sample=None if on_sample is None else lambda p, g, sample: on_sample(p * engines + share, g, sample),
        )
        return interleave(self.exchange.gather(mine)[:: self._ranks_per_engine])

    def sleep(self) -> dict[str, float]:
        """Let the engine give its GPU memory back until the next push, where it can; free GB before and after."""
        if not getattr(self.engine, "sleeps", False):
            return {}
        before, _ = torch.cuda.mem_get_info()
        self.engine.sleep()  # type: ignore[attr-defined]
        after, _ = torch.cuda.mem_get_info()
        return {"memory/free_awake_gb": before / 1e9, "memory/free_asleep_gb": after / 1e9}

    def close(self) -> None:
        """Close this rank's engine."""
        self.engine.close()

    @property
    def _num_engines(self) -> int:
        return self.runtime.world_size // self._ranks_per_engine
