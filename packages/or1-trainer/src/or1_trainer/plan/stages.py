"""Memory, tokens, FLOPs and times of each stage of a recipe, and what prevents it from running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout, conflicts, layouts
from or1_trainer.plan.memory import GB, WEIGHT, Memory, memory_of
from or1_trainer.plan.remedies import remedies
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.step_time import Assumptions, forward_flops, rollout_s, update_flops


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """Estimate of one stage; times are seconds per step."""

    number: int
    steps: int
    context_tokens: int
    responses: int
    """Of an `sft` stage, as what follows: rows. It has neither rollouts nor log-probs before the update."""
    tokens: float
    """Response tokens per step."""
    update_flops: float
    rollout_s: float
    logprobs_s: float
    """Forward pass for the log-probs before the update."""
    update_s: float
    sync_s: float
    """Weight sync to the engine."""
    offload_s: float
    """Masters and moments from the host and back, where they are offloaded."""
    memory: Memory

    @property
    def step_s(self) -> float:
        """Seconds per step, without evaluation and without verification, which overlaps the rollout."""
        return self.rollout_s + self.logprobs_s + self.update_s + self.sync_s + self.offload_s

    @property
    def hours(self) -> float:
        """Hours of the stage."""
        return self.steps * self.step_s / 3600


def plan_stages(shape: Shape, config: RunConfig, gpu: Gpu, layout: Layout, assumptions: Assumptions) -> list[StagePlan]:
    """Estimate every stage."""

    def planned(number: int, stage: StageSettings) -> StagePlan:
        is_sft = stage.kind == "sft"
        responses = stage.prompts * (1 if is_sft else stage.group)
        mean_tokens = assumptions.mean_share * stage.context_tokens
        tokens = responses * mean_tokens
        kept = tokens * (1.0 if is_sft else assumptions.kept_share)
        passes = 1 if is_sft else config.loss.reuse
        flops = update_flops(shape, kept, mean_tokens, passes=passes, recompute=config.batch.recompute)
        flops_per_s = layout.gpus * gpu.bf16_tflops * 1e12 * assumptions.utilization
        memory = memory_of(shape, config, layout, gpu, stage.context_tokens)
        sampling_s = rollout_s(
            shape,
            gpu,
            assumptions,
            responses=responses,
            longest_tokens=stage.context_tokens,
            gpus=layout.gpus,
            tensor=config.rollout.vllm.tensor,
            kv_tokens=memory.kv_tokens,
        )
        return StagePlan(
            number=number,
            steps=stage.steps,
            context_tokens=stage.context_tokens,
            responses=responses,
            tokens=tokens,
            update_flops=flops,
            rollout_s=0.0 if is_sft else sampling_s,
            logprobs_s=0.0 if is_sft else forward_flops(shape, kept, mean_tokens) / flops_per_s,
            update_s=flops / flops_per_s,
            sync_s=WEIGHT * shape.parameters / GB / gpu.link_gb_s,
            offload_s=2 * memory.optimizer / gpu.host_gb_s if config.optimizer.offload else 0.0,
            memory=memory,
        )

    return [planned(number, stage) for number, stage in enumerate(config.stages, start=1)]


def obstacles(shape: Shape, config: RunConfig, gpu: Gpu, layout: Layout, stages: Sequence[StagePlan]) -> list[str]:
    """Return what prevents the run: indivisible heads, too little memory, no space for one complete response."""
    found = conflicts(shape, layout.gpus, layout.tensor)
    found += [f"rollout.vllm: {why}" for why in conflicts(shape, layout.gpus, config.rollout.vllm.tensor)]
    for plan in stages:
        memory = plan.memory
        for phase, used in (("training", memory.while_training), ("sampling", memory.while_sampling)):
            if used > gpu.memory_gb:
                found.append(f"stage {plan.number} needs {used:.0f} GB while {phase}; a GPU has {gpu.memory_gb:g}")
                if phase == "training":
                    found += [f"  fits with {way}" for way in remedies(shape, config, layout, gpu, plan.context_tokens)]
        if config.rollout.engine == "vllm" and plan.rollout_s and memory.kv_tokens < plan.context_tokens:
            found.append(f"stage {plan.number}: vLLM's KV cache fits {memory.kv_tokens} tokens, less than one response")
        if plan.responses < layout.data:
            found.append(
                f"stage {plan.number}: {plan.responses} responses leave some of {layout.data} data-parallel ranks idle"
            )
    return found


def advice(shape: Shape, config: RunConfig, gpu: Gpu, gpus: int, assumptions: Assumptions) -> Layout | None:
    """Return the layout with the smallest tensor-parallel size that fits (the least communication), or None."""
    for layout in layouts(shape, gpus):
        if not obstacles(shape, config, gpu, layout, plan_stages(shape, config, gpu, layout, assumptions)):
            return layout
    return None
