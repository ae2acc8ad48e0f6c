"""Settings of code grading that hold for a whole run; a row's own settings win over them."""

from __future__ import annotations

from dataclasses import dataclass

from or1_reward.comparison import LIVECODEBENCH, Compare


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSettings:
    """How programs are judged where the row does not say.

    `compare` is how outputs are compared. With `partial_scores` the reward is the share of tests passed (1.0 still
    means all of them) and every test is run; without it a program that fails one test gets 0.
    """

    compare: Compare = LIVECODEBENCH
    partial_scores: bool = False
