"""Every stage of a recipe, rehearsed: peaks, work and communication of a step on one GPU."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.plan.frozen_models import frozen_gb
from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.memory import GB, RUNTIME_GB
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.remedies import remedies
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.stages import Assumptions
from or1_trainer.rehearse.case import MICROBATCHES
from or1_trainer.rehearse.findings import findings
from or1_trainer.rehearse.run import PROMPT_TOKENS, trace_stage
from or1_trainer.rehearse.scale import DEPTHS, Traced, scaled, traced

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
    remedies: Sequence[str] = ()
    """Where it does not fit: settings that would make it fit."""

    @property
    def peak_gb(self) -> float:
        """The trainer's peak."""
        return self.traced.peak.total / GB

    def times(self, phase: str) -> int:
        """How often what was traced of a phase happens in a step, over what was traced."""
        return self.microbatches if phase in PER_MICROBATCH else MICROBATCHES

    def seconds(self, phase: str) -> tuple[float, float]:
        """Kernels and communication of a phase in one step; they are not overlapped."""
        factor = self.times(phase) / MICROBATCHES
        talk = sum(entry[2] for kind, entry in self.traced.collectives.items() if kind.phase == phase)
        return factor * self.traced.work[phase].kernel_s, factor * talk


def rehearse(
    config: RunConfig, gpu: Gpu, *, gpus: int, rank: int = 0, prompt_tokens: int = PROMPT_TOKENS
) -> list[Rehearsal]:
    """Trace each stage at two depths and scale to the model's; stages of one shape are traced once."""
    known: dict[tuple[str, int, int], tuple[Traced, list[str]]] = {}
    results = []
    shape, room = Shape.of(model_config(config)), room_gb(config, gpu)
    layout = Layout(tensor=config.parallel.tensor, data=gpus // config.parallel.tensor)
    for number, stage in enumerate(config.stages, start=1):
        key = stage.kind, stage.context_tokens, stage.prompts // (stage.mini_prompts or stage.prompts)
        if key not in known:
            known[key] = _rehearsed(config, stage, gpu, gpus, rank, prompt_tokens)
        whole, found = known[key]
        fits = whole.peak.total / GB <= room
        results.append(
            Rehearsal(
                number=number,
                stage=stage,
                traced=whole,
                microbatches=microbatches_of(config, stage, gpus // config.parallel.tensor),
                room_gb=room,
                findings=found,
                remedies=() if fits else remedies(shape, config, layout, gpu, stage.context_tokens),
            )
        )
    return results


def _rehearsed(
    config: RunConfig, stage: StageSettings, gpu: Gpu, gpus: int, rank: int, prompt_tokens: int
) -> tuple[Traced, list[str]]:
    shape = Shape.of(model_config(config))
    small, large = (
        trace_stage(config, stage, gpu, gpus=gpus, rank=rank, layers=depth, prompt_tokens=prompt_tokens)
        for depth in DEPTHS
    )
    whole = scaled(traced(small, DEPTHS[0]), traced(large, DEPTHS[1]), shape.layers)
    return whole, findings(large, whole, shape, config, stage, prompt_tokens)


def room_gb(config: RunConfig, gpu: Gpu) -> float:
    """Memory of a GPU without the CUDA context, frozen models, and an engine that does not sleep."""
    is_awake = config.rollout.engine == "vllm" and not config.rollout.vllm.sleep
    engine = config.rollout.vllm.memory_share * gpu.memory_gb if is_awake else 0.0
    return gpu.memory_gb - RUNTIME_GB - frozen_gb(config) - engine


def microbatches_of(config: RunConfig, stage: StageSettings, data: int) -> int:
    """Micro-batches of an optimizer step on one rank, by the assumptions of `plan`."""
    assumed = Assumptions()
    prompts = stage.mini_prompts or stage.prompts
    kept = 1.0 if stage.kind == "sft" else stage.group * assumed.kept_share
    tokens = prompts * kept * stage.context_tokens * assumed.mean_share
    return max(1, math.ceil(tokens / data / max(config.batch.microbatch_tokens, stage.context_tokens)))
