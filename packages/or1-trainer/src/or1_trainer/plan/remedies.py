"""Single settings that make a stage fit that does not, by the formulas of `plan`; none is tried on a GPU."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from msgspec import to_builtins

from or1_trainer.config.load import resolve
from or1_trainer.config.schema import RunConfig
from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout, layouts
from or1_trainer.plan.memory import memory_of, most_tokens
from or1_trainer.plan.shape import Shape

MOST_GPUS = 16
"""Times as many as there are; of these the optimizer's state alone becomes smaller."""

Change = tuple[str, RunConfig, Layout]


def remedies(shape: Shape, config: RunConfig, layout: Layout, gpu: Gpu, context_tokens: int) -> list[str]:
    """The settings with what the GPU then needs; the first that suffices of each kind.

    Where no setting alone suffices: all of them together, then the longest sequence that fits.
    """

    def first_that_fits(kind: Iterable[Change]) -> list[str]:
        needs = ((name, memory_of(shape, changed, used, gpu, context_tokens)) for name, changed, used in kind)
        sizes = ((name, need.while_training) for name, need in needs)
        return [f"{name}: {size:.0f} GB" for name, size in sizes if size <= gpu.memory_gb][:1]

    found = [line for kind in _alone(shape, config, layout, context_tokens) for line in first_that_fits(kind)]
    if not found:
        found = first_that_fits([_together(shape, config, layout, context_tokens)])
    if not found and (longest := most_tokens(shape, config, layout, gpu)):
        found = [f"at most {longest:,} tokens in a sequence, prompt included, and in batch.microbatch_tokens"]
    return found or ["no setting: more or larger GPUs"]


def _alone(shape: Shape, config: RunConfig, layout: Layout, context_tokens: int) -> Iterator[list[Change]]:
    """Changes by kind, the smaller ones first."""
    batch, vllm = config.batch, config.rollout.vllm

    def settings(key: str, *values: bool | int) -> list[Change]:
        return [(f"{key} = {json.dumps(value)}", _changed(config, {key: value}), layout) for value in values]

    if not batch.recompute:
        yield settings("batch.recompute", True)
    if not config.parallel.sequence and layout.tensor > 1:
        yield settings("parallel.sequence", True)
    if config.rollout.engine == "vllm" and not vllm.sleep:
        yield settings("rollout.vllm.sleep", True)
    if not config.optimizer.offload:
        yield settings("optimizer.offload", True)
    if batch.microbatch_tokens > context_tokens:
        yield settings("batch.microbatch_tokens", context_tokens)
    chunks = [batch.chunk_tokens // share for share in (2, 4, 8) if batch.chunk_tokens >= 1024 * share]
    yield settings("batch.chunk_tokens", *chunks)
    larger = [other for other in layouts(shape, layout.gpus) if other.tensor > layout.tensor]
    yield [(f"parallel.tensor = {other.tensor}", config, other) for other in larger]
    yield [
        (f"--gpus {times * layout.gpus}", config, Layout(tensor=layout.tensor, data=times * layout.data))
        for times in range(2, MOST_GPUS + 1)
    ]


def _together(shape: Shape, config: RunConfig, layout: Layout, context_tokens: int) -> Change:
    """All of them: recomputation, the optimizer offloaded, the smallest micro-batch, the largest tensor size."""
    largest = max([layout, *layouts(shape, layout.gpus)], key=lambda other: other.tensor)
    changes = {
        "optimizer.offload": True,
        "batch.recompute": True,
        "batch.microbatch_tokens": context_tokens,
        "parallel.tensor": largest.tensor,
        "parallel.sequence": largest.tensor > 1,
        "rollout.vllm.sleep": True,
    }
    name = f"parallel.tensor = {largest.tensor}, parallel.sequence, batch.recompute, optimizer.offload, "
    return f"{name}batch.microbatch_tokens = {context_tokens}", _changed(config, changes), largest


def _changed(config: RunConfig, changes: Mapping[str, bool | int]) -> RunConfig:
    return resolve(to_builtins(config), changes.items())
