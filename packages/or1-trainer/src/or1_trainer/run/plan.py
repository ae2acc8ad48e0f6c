"""Stages laid end to end: which stage a step belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.config.schema import StageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One step's place in the run; steps count from 0."""

    step: int
    stage_index: int
    stage: StageSettings
    is_stage_start: bool


def total_steps(stages: Sequence[StageSettings]) -> int:
    """Steps of all stages together."""
    return sum(stage.steps for stage in stages)


def position_at(stages: Sequence[StageSettings], step: int) -> Position | None:
    """The place of `step`, None behind the last stage."""
    start = 0
    for index, stage in enumerate(stages):
        if step < start + stage.steps:
            return Position(step=step, stage_index=index, stage=stage, is_stage_start=step == start)
        start += stage.steps
    return None


def is_due(step: int, every: int) -> bool:
    """Whether something that happens every `every` steps happens after `step`; 0 means never."""
    return every > 0 and step % every == 0
