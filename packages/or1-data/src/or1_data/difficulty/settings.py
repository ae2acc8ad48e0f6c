"""Settings of the difficulty stage."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1)]


class DifficultySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many attempts a model gets, and when to stop early."""

    model: str = "model"
    """The name under which counts are stored."""
    attempts: Positive = 16
    """Attempts at a math problem."""
    attempts_code: Positive = 8
    """Attempts at a programming problem."""
    stop: Literal["mixed", "full"] = "mixed"
    """`mixed`: stop as soon as both outcomes were seen; the number of attempts then differs from row to row, and the
    share of failures is biased towards one half. `full`: always all attempts."""
    round: Positive = 4
    """Attempts of one problem drawn at a time; a smaller round stops sooner, a larger one ends sooner."""
    min_reward: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """An attempt with at least this reward solves the problem; a verifier with partial credit may want less than 1."""
    instruct: bool = True
    """Whether prompts that do not say how to answer are told: math in a box, programs in a code block."""
    suspect_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """A gold is suspect when it was never met and at least this share of the attempts agree on one other answer."""
