"""What a rehearsal finds wrong, in words; among it how often the tensor ranks communicate, against what is due.

Sequence parallelism: each block (attention, feed-forward) gathers its input and scatters its output; without it each
sums its output. The embedding and the final states once more. The head sums two statistics per chunk of tokens.
"""

from __future__ import annotations

from collections import Counter

from or1_trainer.algorithm.schedule import steps_of_batch
from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.shape import Shape
from or1_trainer.rehearse.case import MICROBATCHES, full_microbatch
from or1_trainer.rehearse.scale import Traced
from or1_trainer.rehearse.trace import Trace


def findings(
    trace: Trace, whole: Traced, shape: Shape, config: RunConfig, stage: StageSettings, prompt_tokens: int
) -> list[str]:
    """Weights of another dtype, tensors on the CPU, logits beyond a chunk, and collectives that are missing."""
    tokens = sum(len(sample.response_ids) for sample in full_microbatch(config, stage, prompt_tokens))
    return [
        *trace.odd_weights,
        *(f"on the CPU within the update: {what}" for what in dict.fromkeys(trace.on_host)),
        *_logits(trace, shape, config, tokens),
        *_collectives(whole, shape, config, stage, tokens),
    ]


def _logits(trace: Trace, shape: Shape, config: RunConfig, tokens: int) -> list[str]:
    rows = -(-shape.vocabulary // config.parallel.tensor)
    size, found, dtype = trace.largest["logits"]
    gradients = max(rows, tokens) * shape.hidden  # of the weight and of the hidden states
    if size <= 4 * max(rows * config.batch.chunk_tokens, gradients):
        return []
    allowed = f"batch.chunk_tokens = {config.batch.chunk_tokens} rows"
    return [f"logits: a tensor {list(found)} of {dtype}, more than {allowed}"]


def _collectives(whole: Traced, shape: Shape, config: RunConfig, stage: StageSettings, tokens: int) -> list[str]:
    passes = MICROBATCHES * (1 if stage.kind == "sft" else steps_of_batch(stage) * config.loss.reuse)
    due = tensor_collectives(shape, config, -(-tokens // config.batch.chunk_tokens))
    seen: Counter[tuple[str, str]] = Counter()
    for kind, (count, _, _) in whole.collectives.items():
        if kind.group.startswith("tensor") and kind.phase in ("forward", "backward"):
            seen[kind.phase, kind.operation] += round(count)
    return [
        f"{phase}: {seen[phase, name]} calls of {name} between tensor ranks, {due[phase, name] * passes} are due"
        for phase, name in sorted({*due, *seen})
        if seen[phase, name] != due[phase, name] * passes
    ]


def tensor_collectives(shape: Shape, config: RunConfig, chunks: int) -> Counter[tuple[str, str]]:
    """(phase, operation) -> calls in the tensor group of one micro-batch whose response tokens fill so many chunks."""
    layers, calls = shape.layers, Counter[tuple[str, str]]()
    if config.parallel.tensor == 1:
        return calls
    # recomputation sums the output of attention again; the layer's own output is not needed
    again = layers * config.batch.recompute
    calls["forward", "allreduce"] = 2 * chunks
    # the head's input; blocks; scales of the norms of queries and keys
    calls["backward", "allreduce"] = 1 + 2 * layers + 2 * layers * shape.has_qk_norm
    if config.parallel.sequence:
        calls["forward", "allgather_base"] = calls["forward", "reduce_scatter_base"] = 2 * layers + 1
        # inputs are gathered again for the gradients of weights, and norms saw other tokens
        calls["backward", "allgather_base"] = 1 + 4 * layers + 2 * again
        calls["backward", "reduce_scatter_base"] = 2 * layers + again
        calls["backward", "allreduce"] += 1
    else:
        calls["forward", "allreduce"] += 2 * layers + 1
        calls["backward", "allreduce"] += again
    return calls
