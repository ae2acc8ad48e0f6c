"""Settings of the policy to start from and of the problems it is trained on."""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import AtLeastOne, AtLeastZero, Positive, Settings, Share


class ModelSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which policy to start from."""

    path: str = ""
    """Folder with `config.json`, safetensors and tokenizer. Empty: the warm start made by this project."""
    dtype: Literal["float32", "bfloat16", "float64"] = "float32"
    """float64 is slow and the same to the last digits shown on every processor: for comparisons."""


class ArithmeticSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Generated arithmetic problems; train and held-out parts cannot overlap."""

    train: AtLeastOne = 4096
    heldout: AtLeastOne = 64
    seed: AtLeastZero = 0
    min_terms: int = 2
    max_terms: int = 5
    max_digits: int = 2
    operators: str = "+-"


class LetteredSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lettered sums (`toy/lettered.py`); train and held-out parts cannot overlap."""

    train: AtLeastOne = 2048
    heldout: AtLeastOne = 64
    seed: AtLeastZero = 0
    min_terms: int = 3
    max_terms: int = 8


class HabitSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the wandering demonstrator goes about a lettered sum (`toy/traces.py`)."""

    restate_share: Share = 0.2
    """Of the lines: a number is only said again."""
    slip_share: Share = 0.05
    """Of the additions: the sum is wrong."""
    correct_share: Share = 0.5
    """Of the slips: seen, and put right in the next line."""
    check_share: Share = 0.15
    """Of the right additions: written a second time."""
    hurry_share: Share = 0.2
    """Of the solutions: a guess before all is added."""


class WarmStartSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Supervised start of the tiny policy (DESIGN §6); its folder is cached by the hash of these settings."""

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    intermediate: int = 512
    steps: int = 400
    sequences: int = 64
    """Sequences per supervised step."""
    lr: Positive = 3e-3
    verbose_share: float = 0.5
    """Share of demonstrations that reason at length, so that the first stage truncates."""
    guess_share: float = 0.0
    """Share of demonstrations that only guess: the policy then often guesses, and can learn to reason instead."""
    seed: AtLeastZero = 0
    dtype: Literal["float32", "float64"] = "float32"
    """It is taught in; see `model.dtype`."""
    demonstrated: Literal["arithmetic", "lettered"] = "arithmetic"
    """What is demonstrated, as `arithmetic` or `lettered` below say; `data` is trained on."""
    arithmetic: ArithmeticSettings = ArithmeticSettings()
    lettered: LetteredSettings = LetteredSettings()
    habits: HabitSettings = HabitSettings()
    """Of the demonstrator of lettered sums; `verbose_share` and `guess_share` are those of arithmetic."""


class DataSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Problems: generated when `train` is empty, else problem files in the row format of DESIGN §3."""

    train: tuple[str, ...] = ()
    heldout: tuple[str, ...] = ()
    template: str = "bare"
    generated: Literal["arithmetic", "lettered"] = "arithmetic"
    """Which problems are generated, as `arithmetic` or `lettered` below say."""
    arithmetic: ArithmeticSettings = ArithmeticSettings()
    lettered: LetteredSettings = LetteredSettings()
