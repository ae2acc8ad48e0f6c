"""Text output of `or1-trainer plan`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.stages import StagePlan
from or1_trainer.plan.step_time import Assumptions

PARTS = ("weights", "gradients", "optimizer", "activations", "layer", "logits", "engine")
MEMORY_COLUMNS = (*PARTS, "training", "sampling")
TIME_COLUMNS = ("steps", "context", "responses", "Mtokens", "PFLOP", "rollout s", "logprobs s", "update s")


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
    hours = sum(plan.hours for plan in plans)
    fits = f"tensor {advised.tensor} x data {advised.data}" if advised else "none fits; use more or larger GPUs"
    return "\n".join(
        [
            f"{title}: {shape.parameters / 1e9:.2f}B parameters on {layout.gpus} {gpu.name} ({gpu.memory_gb:g} GB)",
            f"layout: tensor {layout.tensor} x data {layout.data}; smallest tensor size that fits: {fits}",
            "",
            "GB on one GPU",
            _row("stage", (*MEMORY_COLUMNS, "KV ktokens")),
            *(_row(str(plan.number), (*memory_cells(plan), f"{plan.memory.kv_tokens / 1e3:.0f}")) for plan in plans),
            "per step",
            _row("stage", TIME_COLUMNS),
            *(_row(str(plan.number), _time_cells(plan)) for plan in plans),
            "",
            f"{hours:.0f} hours, {hours * layout.gpus:.0f} GPU-hours, without evaluation and verification",
            f"assumptions: mean response {assumptions.mean_share:g} of the context, {assumptions.kept_share:g} of the "
            f"groups trained on, update at {assumptions.utilization:g} of the peak, decoding speed as in table 9 of "
            "arXiv 2505.22312 (docs/plan.md)",
            *(["", "obstacles:", *(f"  {line}" for line in found)] if found else []),
        ]
    )


def memory_cells(plan: StagePlan) -> list[str]:
    """Return GB of each part and of the two peaks as text, in the order of `MEMORY_COLUMNS`."""
    parts = (getattr(plan.memory, part) for part in PARTS)
    return [f"{value:.1f}" for value in (*parts, plan.memory.while_training, plan.memory.while_sampling)]


def _time_cells(plan: StagePlan) -> list[str]:
    counts = plan.steps, plan.context_tokens, plan.responses
    rounded = plan.update_flops / 1e15, plan.rollout_s, plan.logprobs_s, plan.update_s
    return [*map(str, counts), f"{plan.tokens / 1e6:.1f}", *(f"{value:.0f}" for value in rounded)]


def _row(first: str, cells: Sequence[str]) -> str:
    return f"{first:>7}" + "".join(f"{cell:>12}" for cell in cells)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
