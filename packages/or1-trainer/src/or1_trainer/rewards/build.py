"""Settings of rewards -> rewards, with their models and connections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from or1_data.schema import Problem
from or1_trainer.config.rewards import (
    FormatReward,
    JudgeReward,
    LengthReward,
    ModelReward,
    PythonReward,
    RepetitionReward,
    TestsPassedReward,
)
from or1_trainer.config.rewards import Reward as RewardSettings
from or1_trainer.config.schema import RunConfig
from or1_trainer.rewards.form import Form
from or1_trainer.rewards.group import Reward
from or1_trainer.rewards.judge import Judge
from or1_trainer.rewards.length import Length
from or1_trainer.rewards.model import RewardModel
from or1_trainer.rewards.python import PythonFunction
from or1_trainer.rewards.repetition import Repetition
from or1_trainer.rewards.scoring import Scoring
from or1_trainer.rewards.verified import RightAnswer, TestsPassed


def build_scoring(
    config: RunConfig,
    folder: Path,
    device: torch.device,
    *,
    has_chat_template: bool,
    counting: Callable[[Problem], frozenset[str]] | None = None,
) -> Scoring:
    """The rewards of a recipe; `counting` as `Scoring` has it.

    Raises `ConfigError` for one that cannot work, before anything is sampled.
    """

    def built(settings: RewardSettings) -> Reward:
        match settings:
            case FormatReward():
                return Form(settings, config.data.template)
            case LengthReward():
                return Length(settings)
            case RepetitionReward():
                return Repetition(settings)
            case PythonReward():
                return PythonFunction(settings, has_chat_template=has_chat_template)
            case ModelReward():
                return RewardModel(settings, device)
            case JudgeReward():
                return Judge(settings, Path(settings.cache) if settings.cache else folder / "judged")
            case TestsPassedReward():
                return TestsPassed()
            case _:
                return RightAnswer()

    return Scoring([(settings, built(settings)) for settings in config.rewards], counting)
