"""What a rehearsal finds wrong, in words."""

from __future__ import annotations

from collections import Counter

from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.collectives import tensor_collectives
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
    allowed = 4 * max(rows * config.batch.chunk_tokens, gradients)
    if size <= allowed:
        return []
    return [
        f"logits: a tensor {list(found)} of {dtype}, more than batch.chunk_tokens = {config.batch.chunk_tokens} rows"
    ]


def _collectives(whole: Traced, shape: Shape, config: RunConfig, stage: StageSettings, tokens: int) -> list[str]:
    is_sft = stage.kind == "sft"
    steps = stage.prompts // stage.mini_prompts if stage.mini_prompts and not is_sft else 1
    passes = MICROBATCHES * steps * (1 if is_sft else config.loss.reuse)
    expected = tensor_collectives(shape, config, -(-tokens // config.batch.chunk_tokens))
    seen: Counter[tuple[str, str]] = Counter()
    for kind, (count, _, _) in whole.collectives.items():
        if kind.group.startswith("tensor") and kind.phase in ("forward", "backward"):
            seen[kind.phase, kind.operation] += round(count)
    return [
        f"{phase}: {seen[phase, name]} calls of {name} between tensor ranks, {expected.get((phase, name), 0) * passes}"
        " are due"
        for phase, name in sorted({*expected, *seen})
        if seen[phase, name] != expected.get((phase, name), 0) * passes
    ]
