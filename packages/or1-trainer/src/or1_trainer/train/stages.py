"""Which context stage a step belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from or1_trainer.config.schema import StageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One step's place in the run; steps count from 0."""

    step: int
    stage_index: int
    stage: StageSettings
    is_stage_start: bool


Ended = Mapping[int, int]
"""Stage -> number of steps done when it ended, for stages that ended early."""


def total_steps(stages: Sequence[StageSettings], ended: Ended | None = None) -> int:
    """Steps of all stages together; less than the settings say where a stage ended early."""
    return _ends(stages, ended or {})[-1]


def position_at(stages: Sequence[StageSettings], step: int, ended: Ended | None = None) -> Position | None:
    """The place of `step`, None behind the last stage."""
    start = 0
    for index, (stage, end) in enumerate(zip(stages, _ends(stages, ended or {}), strict=True)):
        if step < end:
            return Position(step=step, stage_index=index, stage=stage, is_stage_start=step == start)
        start = end
    return None


def _ends(stages: Sequence[StageSettings], ended: Ended) -> list[int]:
    """For each stage, the number of steps done when it ends."""
    ends: list[int] = []
    for index, stage in enumerate(stages):
        ends.append(ended.get(index, (ends[-1] if ends else 0) + stage.steps))
    return ends


def is_due(step: int, every: int) -> bool:
    """Whether something that happens every `every` steps happens after `step`; 0 means never."""
    return every > 0 and step % every == 0
