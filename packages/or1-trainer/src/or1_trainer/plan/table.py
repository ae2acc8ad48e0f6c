"""The memory table of docs/plan.md: `python -m or1_trainer.plan.table`."""

from __future__ import annotations

from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.plan.gpus import gpu_named
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.page import MEMORY_COLUMNS, markdown_table, memory_cells
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.stages import plan_stages
from or1_trainer.plan.step_time import Assumptions

CASES = (("or1-7b", "h100", 32), ("or1-7b", "h200", 32), ("or1-32b", "h200", 64))


def memory_table() -> str:
    """Return a Markdown table with one row per case and stage."""
    rows = []
    for recipe, gpu, gpus in CASES:
        config = resolve(read_recipe(recipe))
        tensor = config.parallel.tensor
        layout = Layout(tensor=tensor, data=gpus // tensor)
        for plan in plan_stages(Shape.of(model_config(config)), config, gpu_named(gpu), layout, Assumptions()):
            stage = str(plan.number), f"{plan.context_tokens // 1024}K"
            rows.append([f"{recipe}, tensor {tensor}", f"{gpus} {gpu}", *stage, *memory_cells(plan)])
    return markdown_table(("recipe", "GPUs", "stage", "context", *MEMORY_COLUMNS), rows)


if __name__ == "__main__":
    print(memory_table())
