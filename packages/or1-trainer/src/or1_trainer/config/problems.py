"""Settings of the initial policy and of the problems it is trained on."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from or1_trainer.config.base import AtLeastOne, AtLeastZero, Fraction, FractionBelowOne, Positive, Settings
from or1_trainer.config.sources import SamplerSettings, SourceSettings


class ModelSettings(Settings, frozen=True, kw_only=True):
    """The model that training starts from."""

    path: str = ""
    """Hugging Face folder (`config.json`, safetensors, tokenizer), a GGUF file, or `package:NAME/FILE` for a file of an
    installed Python package. Empty: the warm start of the tiny recipe."""
    dtype: Literal["float32", "bfloat16", "float64", "auto"] = "float32"
    """Type of weights and activations. "auto": bfloat16 on CUDA and on processors that multiply it faster (AMX, or
    AVX512-BF16 of AMD), else float32; the optimizer's master weights are float32 either way. float64 is slow, and gives
    the same printed digits on every processor: for comparisons."""


class GeneratedSettings(Settings, frozen=True, kw_only=True):
    """What all kinds of generated problems have."""

    train: AtLeastOne
    """Number of training problems."""
    heldout: AtLeastOne = 64
    """Number of held-out problems; none of them is trained on."""
    seed: AtLeastZero = 0
    """Seed of the problems."""


class ArithmeticSettings(GeneratedSettings, frozen=True, kw_only=True):
    """Generated arithmetic problems (`or1_data.arithmetic`)."""

    train: AtLeastOne = 4096
    min_terms: Annotated[int, Meta(ge=2)] = 2
    """Fewest numbers in a problem."""
    max_terms: Annotated[int, Meta(ge=2)] = 5
    """Most numbers in a problem."""
    max_digits: AtLeastOne = 2
    """Most digits of a number."""
    operators: Annotated[str, Meta(pattern=r"^[-+*]*[+][-+*]*$")] = "+-"
    """`+` and any of `-` and `*`."""


class LetteredSettings(GeneratedSettings, frozen=True, kw_only=True):
    """Generated sums of named numbers (`toy/lettered.py`)."""

    train: AtLeastOne = 2048
    min_terms: Annotated[int, Meta(ge=2, le=12)] = 3
    """Fewest named numbers in a problem."""
    max_terms: Annotated[int, Meta(ge=2, le=12)] = 8
    """Most named numbers in a problem."""


class WordedSettings(GeneratedSettings, frozen=True, kw_only=True):
    """Generated word problems with small numbers (`toy/worded.py`)."""

    train: AtLeastOne = 1024
    kinds: Annotated[tuple[Literal["sum", "difference", "larger"], ...], Meta(min_length=1)] = ("sum",)
    """What is asked of the two numbers."""
    largest: Annotated[int, Meta(ge=2)] = 20
    """The largest number in a problem."""


class HabitSettings(Settings, frozen=True, kw_only=True):
    """Probabilities of the habits in demonstrated solutions of lettered sums (`toy/traces.py`)."""

    restate_share: FractionBelowOne = 0.2
    """Fraction of lines that only repeat a number."""
    slip_share: Fraction = 0.05
    """Fraction of additions with a wrong result."""
    correct_share: Fraction = 0.5
    """Fraction of wrong additions that the next line corrects."""
    check_share: Fraction = 0.15
    """Fraction of right additions that are written twice."""
    hurry_share: Fraction = 0.2
    """Fraction of solutions that end with a guess before everything is added."""


class WarmStartSettings(Settings, frozen=True, kw_only=True):
    """Supervised training that makes a small initial policy; the result is cached by the hash of these settings."""

    hidden: AtLeastOne = 128
    """Width of the model."""
    layers: AtLeastOne = 4
    """Number of layers."""
    heads: AtLeastOne = 4
    """Attention heads."""
    kv_heads: AtLeastOne = 2
    """Heads of keys and values."""
    intermediate: AtLeastOne = 512
    """Width of the feed-forward layers."""
    steps: AtLeastOne = 400
    """Supervised steps."""
    sequences: AtLeastOne = 64
    """Sequences per supervised step."""
    lr: Positive = 3e-3
    """Learning rate of the supervised training."""
    verbose_share: Fraction = 0.5
    """Fraction of arithmetic demonstrations with long reasoning, which the first context stage truncates."""
    guess_share: Fraction = 0.0
    """Fraction of arithmetic demonstrations that guess without reasoning; training can then improve the policy by
    teaching it to reason."""
    seed: AtLeastZero = 0
    """Seed of the initial weights and of the order of the demonstrations."""
    dtype: Literal["float32", "float64"] = "float32"
    """Type of the supervised training; see `model.dtype`."""
    demonstrated: Literal["arithmetic", "lettered"] = "arithmetic"
    """Problems that are demonstrated; `data` says which ones are trained on."""
    arithmetic: ArithmeticSettings = ArithmeticSettings()
    lettered: LetteredSettings = LetteredSettings()
    habits: HabitSettings = HabitSettings()
    """Of demonstrations of lettered sums."""


class DataSettings(Settings, frozen=True, kw_only=True):
    """Problem files in or1-data's row format, or generated problems where `train` is empty."""

    train: tuple[str, ...] = ()
    """Paths of JSON Lines or Parquet files."""
    sources: tuple[SourceSettings, ...] = ()
    """Weighted sources, in place of `train`."""
    sampler: SamplerSettings = SamplerSettings()
    heldout: tuple[str, ...] = ()
    """Paths of problem files, or `gym:TASK` for problems of a task of reasoning-gym."""
    template: str = "bare"
    """Prompt template of generated problems (`or1_data.templates`)."""
    generated: Literal["arithmetic", "lettered", "worded"] = "arithmetic"
    """Kind of generated problems."""
    arithmetic: ArithmeticSettings = ArithmeticSettings()
    lettered: LetteredSettings = LetteredSettings()
    worded: WordedSettings = WordedSettings()
