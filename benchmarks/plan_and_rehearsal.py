"""The table of docs/plan.md that compares `plan` with traces: `python benchmarks/plan_and_rehearsal.py`."""

from __future__ import annotations

from or1_trainer.algorithm.schedule import steps_of_batch
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.plan.gpus import gpu_named
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.memory import GB, RUNTIME_GB, memory_of
from or1_trainer.plan.page import markdown_table
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.step_time import forward_flops
from or1_trainer.rehearse.case import MICROBATCHES, full_microbatch
from or1_trainer.rehearse.run import PROMPT_TOKENS
from or1_trainer.rehearse.stages import rehearse

CASES = (("or1-7b", 32), ("or1-math-7b", 32), ("or1-32b", 64))
HEAD = ("recipe, H200", "stage", "context", "state", "traced", "training", "traced", "forward TFLOP", "traced")


def comparison() -> str:
    """Return a Markdown table with one row per recipe and stage; GB without the 3 GB of the runtime."""
    rows = []
    for recipe, gpus in CASES:
        config, gpu = resolve(read_recipe(recipe)), gpu_named("h200")
        shape, tensor = Shape.of(model_config(config)), config.parallel.tensor
        layout = Layout(tensor=tensor, data=gpus // tensor)
        for found in rehearse(config, gpu, gpus=gpus):
            planned = memory_of(shape, config, layout, gpu, found.stage.context_tokens)
            held, work = found.traced.peak.by_holder, found.traced.work["forward"]
            samples = full_microbatch(config, found.stage, PROMPT_TOKENS)
            tokens = sum(sample.num_tokens for sample in samples)
            mean = sum(sample.num_tokens**2 for sample in samples) / tokens
            numbers = (
                planned.weights + planned.gradients + planned.optimizer,
                (held["weights"] + held["gradients"] + held["optimizer"]) / GB,
                planned.while_training - RUNTIME_GB,
                found.peak_gb,
                forward_flops(shape, tokens, mean) / tensor / 1e12,
                (work.matmul_flops + work.attention_flops) / MICROBATCHES / steps_of_batch(found.stage) / 1e12,
            )
            cells = f"{recipe}, tensor {tensor}, {gpus}", str(found.number), f"{found.stage.context_tokens // 1024}K"
            rows.append([*cells, *(f"{number:.1f}" for number in numbers)])
    return markdown_table(HEAD, rows)


if __name__ == "__main__":
    print(comparison())
