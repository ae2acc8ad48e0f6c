"""Every stage of a recipe, rehearsed: peaks, work and communication of a step on one GPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.algorithm.schedule import steps_of_batch
from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.frozen_models import frozen_gb
from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.memory import GB, RUNTIME_GB, engine_gb
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.remedies import remedies
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.step_time import Assumptions
from or1_trainer.rehearse.case import MICROBATCHES
from or1_trainer.rehearse.findings import findings
from or1_trainer.rehearse.run import PROMPT_TOKENS, trace_stage
from or1_trainer.rehearse.scale import DEPTHS, Traced, scaled, traced

PHASES = ("build", "log-probs", "forward", "loss", "backward", "offload", "step", "push")
PER_MICROBATCH = ("log-probs", "forward", "backward", "loss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One stage on one GPU."""

    number: int
    stage: StageSettings
    traced: Traced
    microbatches: int
    """Per optimizer step and rank: estimated from the mean length and the groups that are kept, as `plan` does."""
    room_gb: float
    """What a GPU has for the trainer during the update."""
    findings: Sequence[str]
    remedies: Sequence[str]
    """Where it does not fit: settings that would make it fit."""

    @property
    def peak_gb(self) -> float:
        """The trainer's peak."""
        return self.traced.peak.total / GB

    def factor(self, phase: str) -> float:
        """How often what was traced of a phase happens in a step."""
        return self.microbatches / MICROBATCHES if phase in PER_MICROBATCH else 1.0

    def seconds(self) -> dict[str, tuple[float, float]]:
        """Kernels and communication of each phase of one step; they are not overlapped."""
        collectives = self.traced.collectives.items()
        return {
            phase: (
                self.factor(phase) * self.traced.work[phase].kernel_s,
                self.factor(phase) * sum(seconds for kind, (_, _, seconds) in collectives if kind.phase == phase),
            )
            for phase in PHASES[1:]
            if phase in self.traced.work
        }


def rehearse(
    config: RunConfig, gpu: Gpu, *, gpus: int, rank: int = 0, prompt_tokens: int = PROMPT_TOKENS
) -> list[Rehearsal]:
    """Trace each stage at two depths and scale to the model's; stages of one shape are traced once."""
    known: dict[tuple[str, int, int], tuple[Traced, list[str]]] = {}
    results = []
    shape, room = Shape.of(model_config(config)), room_gb(config, gpu)
    layout = Layout(tensor=config.parallel.tensor, data=gpus // config.parallel.tensor)
    for number, stage in enumerate(config.stages, start=1):
        key = stage.kind, stage.context_tokens, steps_of_batch(stage)
        if key not in known:
            small, large = (
                trace_stage(config, stage, gpu, gpus=gpus, rank=rank, layers=depth, prompt_tokens=prompt_tokens)
                for depth in DEPTHS
            )
            whole = scaled(traced(small, DEPTHS[0]), traced(large, DEPTHS[1]), shape.layers)
            known[key] = whole, findings(large, whole, shape, config, stage, prompt_tokens)
        whole, found = known[key]
        fits = whole.peak.total / GB <= room
        results.append(
            Rehearsal(
                number=number,
                stage=stage,
                traced=whole,
                microbatches=microbatches_of(config, stage, layout.data),
                room_gb=room,
                findings=found,
                remedies=() if fits else remedies(shape, config, layout, gpu, stage.context_tokens),
            )
        )
    return results


def room_gb(config: RunConfig, gpu: Gpu) -> float:
    """Memory of a GPU without the CUDA context, frozen models, and an engine that does not sleep."""
    awake = 0.0 if config.rollout.vllm.sleep else engine_gb(config, gpu)
    return gpu.memory_gb - RUNTIME_GB - frozen_gb(config) - awake


def microbatches_of(config: RunConfig, stage: StageSettings, data: int) -> int:
    """Micro-batches of an optimizer step on one rank, by the assumptions of `plan`."""
    assumed = Assumptions()
    prompts = stage.mini_prompts or stage.prompts
    kept = 1.0 if stage.kind == "sft" else stage.group * assumed.kept_share
    tokens = prompts * kept * stage.context_tokens * assumed.mean_share
    return max(1, math.ceil(tokens / data / max(config.batch.microbatch_tokens, stage.context_tokens)))
