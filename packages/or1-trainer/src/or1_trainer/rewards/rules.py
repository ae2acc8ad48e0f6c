"""Rewards by rule: `format`, `length`, `repetition`, and what the problem's own verifier says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import regex
from numpy.typing import NDArray

from or1_reward.types import Status, Verdict
from or1_trainer.config.rewards import FormatReward, LengthReward, RepetitionReward
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.group import Group, Reward, Values

FORMS: Final = {"boxed": r"\\boxed\s*\{.+\}", "code": r"```[^\n`]*\n.*?```"}
"""What the templates of or1-data ask a response to contain."""

MATCH_TIMEOUT_S: Final = 1.0
"""Of one response: an expression may take exponential time on a text that nobody foresaw."""


class RightAnswer(Reward):
    """1 where the verdict is `correct`, else 0; None where the verifier failed."""

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        return [None if right is None else float(right) for right in map(_is_right, group.verdicts())]


class TestsPassed(Reward):
    """The part of the tests that a program passes; the verifier has to be asked for partial scores."""

    __test__ = False  # pytest: not a test class

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        return [verdict.reward for verdict in group.verdicts()]


class Form(Reward):
    """1 where a regular expression matches, else 0; None where matching takes longer than a second."""

    def __init__(self, settings: FormatReward, template: str) -> None:
        """Compile the expression or that of the template. Raises `ConfigError` if there is none, or it is none."""
        pattern = settings.pattern or FORMS.get(template, "")
        if not pattern:
            raise ConfigError(
                f"reward {settings.label!r}: data.template = {template!r} asks for no form; set its pattern, or choose "
                f"one of the templates {', '.join(FORMS)}"
            )
        try:
            compiled = regex.compile(pattern, regex.DOTALL)
        except regex.error as error:
            raise ConfigError(
                f"reward {settings.label!r}: pattern = {pattern!r} is not a regular expression: {error}"
            ) from error
        self._match = compiled.fullmatch if settings.whole else compiled.search

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        return [self._value(completion.text) for completion in group.completions]

    def _value(self, text: str) -> float | None:
        try:
            return float(self._match(text, timeout=MATCH_TIMEOUT_S) is not None)
        except TimeoutError:
            return None


class Length(Reward):
    """A published function of the number of response tokens; shapes `cosine` and `group` also look at the verdict."""

    def __init__(self, settings: LengthReward) -> None:
        self._settings = settings

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        lengths = [completion.num_sampled for completion in group.completions]
        if self._settings.shape == "overlong":
            return [overlong(length, group.context_tokens, self._settings.buffer_tokens) for length in lengths]
        rights = [_is_right(verdict) for verdict in group.verdicts()]
        if self._settings.shape == "group":
            return within_group(lengths, rights)
        ends = self._settings
        of = {True: (ends.right_short, ends.right_long), False: (ends.wrong_short, ends.wrong_long)}
        return [
            None if right is None else cosine(length / group.context_tokens, *of[right])
            for length, right in zip(lengths, rights, strict=True)
        ]


class Repetition(Reward):
    """-(1 - different n-grams / all n-grams) of a response (arXiv 2502.03373; on tokens, not words)."""

    def __init__(self, settings: RepetitionReward) -> None:
        self._width = settings.ngram_tokens

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        sampled = [completion.token_ids[completion.is_sampled_T] for completion in group.completions]
        return [-repeated_share(token_ids, self._width) for token_ids in sampled]


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


def repeated_share(token_ids: NDArray[np.int32], width: int) -> float:
    """The part of the sequences of `width` tokens that have come before; 0 where there are fewer than two."""
    if len(token_ids) <= width:
        return 0.0
    ngrams = np.lib.stride_tricks.sliding_window_view(token_ids, width)
    return 1.0 - len(np.unique(ngrams, axis=0)) / len(ngrams)


def _is_right(verdict: Verdict) -> bool | None:
    """Whether the verdict is `correct`; None where the verifier failed."""
    return None if verdict.reward is None else verdict.status is Status.CORRECT
