"""`RunConfig`: all settings of a run, in nested frozen structs. A recipe is a TOML file with the same sections.

Defaults are those of Skywork-OR1 (arXiv 2505.22312) wherever it gives a value. Unknown keys are errors (`load.py`).
"""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import AtLeastZero, Settings
from or1_trainer.config.environment import EnvironmentSettings
from or1_trainer.config.loss import DistillSettings, EntropySettings, LossSettings, MismatchSettings
from or1_trainer.config.optimizer import OptimizerSettings
from or1_trainer.config.problems import (
    ArithmeticSettings,
    DataSettings,
    HabitSettings,
    LetteredSettings,
    ModelSettings,
    WarmStartSettings,
    WordedSettings,
)
from or1_trainer.config.reward import RewardSettings
from or1_trainer.config.rewards import Reward
from or1_trainer.config.rollout import AdvanceSettings, RolloutSettings, StageSettings, VllmRolloutSettings
from or1_trainer.config.running import (
    BatchSettings,
    CheckpointSettings,
    EvalSettings,
    ParallelSettings,
    WatchSettings,
)
from or1_trainer.config.sources import SamplerSettings, SourceSettings

__all__ = [
    "AdvanceSettings",
    "ArithmeticSettings",
    "BatchSettings",
    "CheckpointSettings",
    "DataSettings",
    "DistillSettings",
    "EntropySettings",
    "EnvironmentSettings",
    "EvalSettings",
    "HabitSettings",
    "LetteredSettings",
    "LossSettings",
    "MismatchSettings",
    "ModelSettings",
    "OptimizerSettings",
    "ParallelSettings",
    "RewardSettings",
    "RolloutSettings",
    "RunConfig",
    "SamplerSettings",
    "Settings",
    "SourceSettings",
    "StageSettings",
    "VllmRolloutSettings",
    "WarmStartSettings",
    "WatchSettings",
    "WordedSettings",
]


class RunConfig(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one run."""

    name: str
    """Name of the run; the run folder is named after it."""
    stages: tuple[StageSettings, ...]
    seed: AtLeastZero = 0
    """Seed of everything that is drawn: problems, samples, shuffles."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Auto: CUDA where there is a GPU."""
    model: ModelSettings = ModelSettings()
    warm_start: WarmStartSettings = WarmStartSettings()
    data: DataSettings = DataSettings()
    rollout: RolloutSettings = RolloutSettings()
    environment: EnvironmentSettings = EnvironmentSettings()
    reward: RewardSettings = RewardSettings()
    rewards: tuple[Reward, ...] = ()
    """What responses earn; empty: the verifier alone."""
    loss: LossSettings = LossSettings()
    distill: DistillSettings = DistillSettings()
    mismatch: MismatchSettings = MismatchSettings()
    entropy: EntropySettings = EntropySettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    parallel: ParallelSettings = ParallelSettings()
    batch: BatchSettings = BatchSettings()
    eval: EvalSettings = EvalSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    watch: WatchSettings = WatchSettings()
