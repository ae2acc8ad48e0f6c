"""Settings of rewards -> rewards, with their models and connections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from or1_data.schema import Problem
from or1_trainer.config import rewards as kinds
from or1_trainer.config.schema import RunConfig
from or1_trainer.rewards.group import Reward
from or1_trainer.rewards.judge import Judge
from or1_trainer.rewards.model import RewardModel
from or1_trainer.rewards.python import PythonFunction
from or1_trainer.rewards.rules import Form, Length, Repetition, RightAnswer, TestsPassed
from or1_trainer.rewards.scoring import Scoring


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

    def built(settings: kinds.Reward) -> Reward:
        match settings:
            case kinds.FormatReward():
                return Form(settings, config.data.template)
            case kinds.LengthReward():
                return Length(settings)
            case kinds.RepetitionReward():
                return Repetition(settings)
            case kinds.PythonReward():
                return PythonFunction(settings, has_chat_template=has_chat_template)
            case kinds.ModelReward():
                return RewardModel(settings, device)
            case kinds.JudgeReward():
                return Judge(settings, Path(settings.cache) if settings.cache else folder / "judged")
            case kinds.TestsPassedReward():
                return TestsPassed()
            case _:
                return RightAnswer()

    return Scoring([(settings, built(settings)) for settings in config.rewards], counting)
