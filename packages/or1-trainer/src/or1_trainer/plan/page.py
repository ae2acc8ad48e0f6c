"""Text output of `or1-trainer plan`."""

from __future__ import annotations

from collections.abc import Sequence

from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.stages import Assumptions, StagePlan

MEMORY_COLUMNS = (
    "weights",
    "gradients",
    "optimizer",
    "activations",
    "layer",
    "logits",
    "engine",
    "training",
    "sampling",
)


def plan_text(
    title: str,
    shape: Shape,
    gpu: Gpu,
    layout: Layout,
    plans: Sequence[StagePlan],
    found: Sequence[str],
    advised: Layout | None,
    assumptions: Assumptions,
) -> str:
    """Return the text for the terminal."""
    gpus = layout.tensor * layout.data
    hours = sum(plan.hours for plan in plans)
    fits = f"tensor {advised.tensor} x data {advised.data}" if advised else "none fits; use more or larger GPUs"
    return "\n".join(
        [
            f"{title}: {shape.parameters / 1e9:.2f}B parameters on {gpus} {gpu.name} ({gpu.memory_gb:g} GB)",
            f"layout: tensor {layout.tensor} x data {layout.data}; smallest tensor size that fits: {fits}",
            "",
            "GB on one GPU",
            _row("stage", (*MEMORY_COLUMNS, "KV ktokens")),
            *(_row(str(plan.number), (*memory_cells(plan), f"{plan.memory.kv_tokens / 1e3:.0f}")) for plan in plans),
            "per step",
            _row("stage", ("steps", "context", "responses", "Mtokens", "PFLOP", "rollout s", "logprobs s", "update s")),
            *(_times(plan) for plan in plans),
            "",
            f"{hours:.0f} hours, {hours * gpus:.0f} GPU-hours, without evaluation and verification",
            f"assumptions: mean response {assumptions.mean_share:g} of the context, {assumptions.kept_share:g} of the "
            f"groups trained on, update at {assumptions.utilization:g} of the peak, decoding speed as in table 9 of "
            "arXiv 2505.22312 (docs/plan.md)",
            *(["", "obstacles:", *(f"  {line}" for line in found)] if found else []),
        ]
    )


def memory_cells(plan: StagePlan) -> list[str]:
    """Return GB of each part and of the two peaks as text, in the order of `MEMORY_COLUMNS`."""
    memory = plan.memory
    state = memory.weights, memory.gradients, memory.optimizer
    rest = memory.activations, memory.layer, memory.logits, memory.engine, memory.while_training, memory.while_sampling
    return [f"{value:.1f}" for value in (*state, *rest)]


def _times(plan: StagePlan) -> str:
    values = (
        str(plan.steps),
        str(plan.context_tokens),
        str(plan.responses),
        f"{plan.tokens / 1e6:.1f}",
        f"{plan.update_flops / 1e15:.0f}",
        f"{plan.rollout_s:.0f}",
        f"{plan.logprobs_s:.0f}",
        f"{plan.update_s:.0f}",
    )
    return _row(str(plan.number), values)


def _row(first: str, cells: Sequence[str]) -> str:
    return f"{first:>7}" + "".join(f"{cell:>12}" for cell in cells)
