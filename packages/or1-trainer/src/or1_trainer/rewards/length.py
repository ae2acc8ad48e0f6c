"""`length`: three published functions of the number of response tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence

from or1_reward.types import Status
from or1_trainer.config.rewards import LengthReward
from or1_trainer.rewards.group import Group, Values


class Length:
    """The shape that the settings name; `cosine` and `group` also look at the verdict."""

    workers = 1

    def __init__(self, settings: LengthReward) -> None:
        self._settings = settings

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        lengths = [completion.num_sampled for completion in group.completions]
        if self._settings.shape == "overlong":
            return [overlong(length, group.context_tokens, self._settings.buffer_tokens) for length in lengths]
        rights = [None if verdict.reward is None else verdict.status is Status.CORRECT for verdict in group.verdicts()]
        if self._settings.shape == "group":
            return within_group(lengths, rights)
        ends = self._settings
        of = {True: (ends.right_short, ends.right_long), False: (ends.wrong_short, ends.wrong_long)}
        return [
            None if right is None else cosine(length / group.context_tokens, *of[right])
            for length, right in zip(lengths, rights, strict=True)
        ]

    def close(self) -> None:
        """Nothing to close."""


def overlong(length: int, longest: int, buffer: int) -> float:
    """0 up to `longest` - `buffer` tokens, then linearly to -1 at `longest` (DAPO, arXiv 2503.14476, eq. 13)."""
    width = min(buffer, longest)
    return -min(max(length - (longest - width), 0) / width, 1.0)


def cosine(part: float, short: float, long: float) -> float:
    """From `short` at `part` 0 to `long` at 1, along half a cosine (arXiv 2502.03373)."""
    return long + (short - long) * (1 + math.cos(math.pi * min(part, 1.0))) / 2


def within_group(lengths: Sequence[int], rights: Sequence[bool | None]) -> Values:
    """0.5 for the shortest to -0.5 for the longest; at most 0 for wrong ones (Kimi k1.5, arXiv 2501.12599).

    All equally long: 0 for all.
    """
    shortest, span = min(lengths), max(lengths) - min(lengths)
    ranks = [0.5 - (length - shortest) / span if span else 0.0 for length in lengths]
    return [
        None if right is None else rank if right else min(rank, 0.0) for rank, right in zip(ranks, rights, strict=True)
    ]
