"""Single settings that make a stage fit that does not, by the formulas of `plan`; none is tried on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

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

    def gb(changed: RunConfig, used: Layout) -> float:
        return memory_of(shape, changed, used, gpu, context_tokens).while_training

    found = []
    for kind in _alone(shape, config, layout, context_tokens):
        sizes = ((name, gb(changed, used)) for name, changed, used in kind)
        found += [f"{name}: {size:.0f} GB" for name, size in sizes if size <= gpu.memory_gb][:1]
    if not found:
        name, changed, used = _together(shape, config, layout, context_tokens)
        size = gb(changed, used)
        found = [f"{name}: {size:.0f} GB"] if size <= gpu.memory_gb else []
    if not found and (longest := most_tokens(shape, config, layout, gpu)):
        found = [f"at most {longest:,} tokens in a sequence, prompt included, and in batch.microbatch_tokens"]
    return found or ["no setting: more or larger GPUs"]


def _alone(shape: Shape, config: RunConfig, layout: Layout, context_tokens: int) -> Iterator[list[Change]]:
    """Changes by kind, the smaller ones first."""
    batch, vllm, parallel = config.batch, config.rollout.vllm, config.parallel
    if not batch.recompute:
        yield [("batch.recompute = true", replace(config, batch=replace(batch, recompute=True)), layout)]
    if not parallel.sequence and layout.tensor > 1:
        yield [("parallel.sequence = true", replace(config, parallel=replace(parallel, sequence=True)), layout)]
    if config.rollout.engine == "vllm" and not vllm.sleep:
        rollout = replace(config.rollout, vllm=replace(vllm, sleep=True))
        yield [("rollout.vllm.sleep = true", replace(config, rollout=rollout), layout)]
    if not config.optimizer.offload:
        optimizer = replace(config.optimizer, offload=True)
        yield [("optimizer.offload = true", replace(config, optimizer=optimizer), layout)]
    if batch.microbatch_tokens > context_tokens:
        name = f"batch.microbatch_tokens = {context_tokens}"
        yield [(name, replace(config, batch=replace(batch, microbatch_tokens=context_tokens)), layout)]
    chunks = [batch.chunk_tokens // share for share in (2, 4, 8) if batch.chunk_tokens >= 1024 * share]
    yield [(f"batch.chunk_tokens = {n}", replace(config, batch=replace(batch, chunk_tokens=n)), layout) for n in chunks]
    gpus = layout.tensor * layout.data
    larger = [other for other in layouts(shape, gpus) if other.tensor > layout.tensor]
    yield [(f"parallel.tensor = {other.tensor}", config, other) for other in larger]
    yield [
        (f"--gpus {times * gpus}", config, Layout(tensor=layout.tensor, data=times * layout.data))
        for times in range(2, MOST_GPUS + 1)
    ]


def _together(shape: Shape, config: RunConfig, layout: Layout, context_tokens: int) -> Change:
    """All of them: recomputation, the optimizer offloaded, the smallest micro-batch, the largest tensor size."""
    largest = max([layout, *layouts(shape, layout.tensor * layout.data)], key=lambda other: other.tensor)
    changed = replace(
        config,
        optimizer=replace(config.optimizer, offload=True),
        batch=replace(config.batch, recompute=True, microbatch_tokens=context_tokens),
        parallel=replace(config.parallel, tensor=largest.tensor, sequence=largest.tensor > 1),
        rollout=replace(config.rollout, vllm=replace(config.rollout.vllm, sleep=True)),
    )
    name = f"parallel.tensor = {largest.tensor}, parallel.sequence, batch.recompute, optimizer.offload, "
    return f"{name}batch.microbatch_tokens = {context_tokens}", changed, largest
