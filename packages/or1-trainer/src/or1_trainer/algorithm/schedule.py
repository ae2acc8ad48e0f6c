"""The learning rate as a pure function of the optimizer steps taken: it needs no state in a checkpoint."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from or1_trainer.config.schema import StageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Warm-up, then a constant rate (the report's), or one that falls to `final_share` of it.

    The first step is not at zero: with a warm-up of W steps, step n (from 0) has (n + 1) / W of the rate. A schedule
    that starts at 0 wastes a whole rollout batch on no update.
    """

    kind: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: int = 0
    decay_steps: int = 0
    """Optimizer steps until the final rate is reached, the warm-up included."""
    final_share: float = 0.0

    def rate(self, lr: float, step: int) -> float:
        """The rate of optimizer step `step`, counted from 0."""
        if step < self.warmup_steps:
            return lr * (step + 1) / self.warmup_steps
        if self.kind == "constant":
            return lr
        span = max(self.decay_steps - self.warmup_steps, 1)
        done = min((step - self.warmup_steps) / span, 1.0)
        left = 1 - done if self.kind == "linear" else (1 + math.cos(math.pi * done)) / 2
        return lr * (self.final_share + (1 - self.final_share) * left)


def optimizer_steps(stages: Sequence[StageSettings], reuse: int) -> int:
    """Optimizer steps of all stages together, if no mini-batch loses all its groups and no stage ends early."""
    return sum(stage.steps * (1 if stage.kind == "sft" else reuse * steps_of_batch(stage)) for stage in stages)


def steps_of_batch(stage: StageSettings) -> int:
    """Optimizer steps of one pass over a rollout batch of the stage."""
    return stage.prompts // (stage.mini_prompts or stage.prompts)
