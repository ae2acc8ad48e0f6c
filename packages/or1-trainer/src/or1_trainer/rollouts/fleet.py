"""The engines of all ranks as one engine: prompts are dealt out, groups come back in order, everywhere.

Axes: P prompts, G completions per prompt. `Fleet.generate` has the signature of `or1_rollout.Engine.generate`, so
that whatever takes an engine (evaluation, difficulty) takes a fleet. All calls are collective over the world.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch.distributed as dist

from or1_rollout.engine import Engine
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_trainer.megatron.runtime import Runtime

Item = TypeVar("Item")


def gather(value: Item, runtime: Runtime) -> list[Item]:
    """The value of every rank, in rank order, on every rank."""
    if runtime.world_size == 1:
        return [value]
    values: list[Any] = [None] * runtime.world_size
    dist.all_gather_object(values, value)
    return values


def interleave(parts: Sequence[Sequence[Item]]) -> list[Item]:
    """Undo the dealing `items[rank::world]`."""
    merged: list[Any] = [None] * sum(len(part) for part in parts)
    for rank, part in enumerate(parts):
        merged[rank :: len(parts)] = part
    return merged


class Fleet:
    """One engine per rank, used together."""

    def __init__(self, engine: Engine, runtime: Runtime) -> None:
        self.engine = engine
        self.runtime = runtime

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: Callable[[int, list[Completion]], None] | None = None,
    ) -> list[list[Completion]]:
        """[P] prompts -> [P][G] completions, the same on every rank; `on_group` sees this rank's groups as they end."""
        rank, world = self.runtime.rank, self.runtime.world_size
        if seeds is None and world > 1:
            raise ValueError(
                "a fleet of several ranks needs explicit seeds: an engine would derive them from its own share"
            )
        report = None if on_group is None else lambda index, group: on_group(index * world + rank, group)
        mine = self.engine.generate(
            prompts[rank::world], params, seeds=None if seeds is None else seeds[rank::world], on_group=report
        )
        return interleave(gather(mine, self.runtime))
