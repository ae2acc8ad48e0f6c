"""The memory table of docs/plan.md: `python -m or1_trainer.plan.table`."""

from __future__ import annotations

from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.plan.gpus import gpu_named
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.page import MEMORY_COLUMNS, memory_cells
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.stages import Assumptions, StagePlan, plan_stages

CASES = (("or1-7b", "h100", 32), ("or1-7b", "h200", 32), ("or1-32b", "h200", 64))


def memory_table() -> str:
    """Return a Markdown table with one row per case and stage."""
    head = ("recipe", "GPUs", "stage", "context", *MEMORY_COLUMNS)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for recipe, gpu, gpus in CASES:
        config = resolve(read_recipe(recipe))
        layout = Layout(tensor=config.parallel.tensor, data=gpus // config.parallel.tensor)
        plans = plan_stages(Shape.of(model_config(config)), config, gpu_named(gpu), layout, Assumptions())
        lines += [_row(f"{recipe}, tensor {layout.tensor}", f"{gpus} {gpu}", plan) for plan in plans]
    return "\n".join(lines)


def _row(recipe: str, gpus: str, plan: StagePlan) -> str:
    cells = [recipe, gpus, str(plan.number), f"{plan.context_tokens // 1024}K", *memory_cells(plan)]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(memory_table())
