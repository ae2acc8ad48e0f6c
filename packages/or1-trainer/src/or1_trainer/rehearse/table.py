"""The table of docs/plan.md that compares `plan` with traces: `python -m or1_trainer.rehearse.table`."""

from __future__ import annotations

from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.plan.gpus import gpu_named
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.memory import GB, RUNTIME_GB, memory_of
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.work import forward_flops
from or1_trainer.rehearse.case import MICROBATCHES, full_microbatch
from or1_trainer.rehearse.run import PROMPT_TOKENS
from or1_trainer.rehearse.stages import Rehearsal, rehearse

CASES = (("or1-7b", 32), ("or1-math-7b", 32), ("or1-32b", 64))
HEAD = ("recipe, H200", "stage", "context", "state", "traced", "training", "traced", "forward TFLOP", "traced")


def comparison() -> str:
    """Return a Markdown table with one row per recipe and stage; GB without the 3 GB of the runtime."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for recipe, gpus in CASES:
        config, gpu = resolve(read_recipe(recipe)), gpu_named("h200")
        shape, tensor = Shape.of(model_config(config)), config.parallel.tensor
        layout = Layout(tensor=tensor, data=gpus // tensor)
        for found in rehearse(config, gpu, gpus=gpus):
            planned = memory_of(shape, config, layout, gpu, found.stage.context_tokens)
            samples = full_microbatch(config, found.stage, PROMPT_TOKENS)
            tokens = sum(sample.num_tokens for sample in samples)
            mean = sum(sample.num_tokens**2 for sample in samples) / tokens
            flops = forward_flops(shape, tokens, mean) / tensor / 1e12
            state = planned.weights + planned.gradients + planned.optimizer
            numbers = (state, _state(found), planned.while_training - RUNTIME_GB, found.peak_gb, flops, _forward(found))
            cells = f"{recipe}, tensor {tensor}, {gpus}", str(found.number), f"{found.stage.context_tokens // 1024}K"
            lines.append("| " + " | ".join([*cells, *(f"{number:.1f}" for number in numbers)]) + " |")
    return "\n".join(lines)


def _state(found: Rehearsal) -> float:
    held = found.traced.peak.by_holder
    return sum(held[name] for name in ("weights", "gradients", "optimizer")) / GB


def _forward(found: Rehearsal) -> float:
    """Of one micro-batch."""
    work = found.traced.work["forward"]
    steps = found.stage.prompts // (found.stage.mini_prompts or found.stage.prompts)
    return (work.matmul_flops + work.attention_flops) / MICROBATCHES / steps / 1e12


if __name__ == "__main__":
    print(comparison())
