"""Every setting of a run, as small frozen structs; a recipe is a TOML file over `RunConfig`.

Defaults are the report's (PAPER §2, §6) wherever the report has a number. Unknown keys are errors (`load.py`).
"""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import AtLeastZero, Settings
from or1_trainer.config.objective import EntropySettings, LossSettings, MismatchSettings, OptimizerSettings
from or1_trainer.config.problems import (
    ArithmeticSettings,
    DataSettings,
    HabitSettings,
    LetteredSettings,
    ModelSettings,
    WarmStartSettings,
)
from or1_trainer.config.rollout import AdvanceSettings, RolloutSettings, StageSettings, VllmRolloutSettings
from or1_trainer.config.running import (
    BatchSettings,
    CheckpointSettings,
    EvalSettings,
    ParallelSettings,
    WatchSettings,
)

__all__ = [
    "AdvanceSettings",
    "ArithmeticSettings",
    "BatchSettings",
    "CheckpointSettings",
    "DataSettings",
    "EntropySettings",
    "EvalSettings",
    "HabitSettings",
    "LetteredSettings",
    "LossSettings",
    "MismatchSettings",
    "ModelSettings",
    "OptimizerSettings",
    "ParallelSettings",
    "RolloutSettings",
    "RunConfig",
    "Settings",
    "StageSettings",
    "VllmRolloutSettings",
    "WarmStartSettings",
    "WatchSettings",
]


class RunConfig(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run, whole."""

    name: str
    stages: tuple[StageSettings, ...]
    seed: AtLeastZero = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    model: ModelSettings = ModelSettings()
    warm_start: WarmStartSettings = WarmStartSettings()
    data: DataSettings = DataSettings()
    rollout: RolloutSettings = RolloutSettings()
    loss: LossSettings = LossSettings()
    mismatch: MismatchSettings = MismatchSettings()
    entropy: EntropySettings = EntropySettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    parallel: ParallelSettings = ParallelSettings()
    batch: BatchSettings = BatchSettings()
    eval: EvalSettings = EvalSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    watch: WatchSettings = WatchSettings()
