"""Samples while they grow, and what ends them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedTokenizerFast

from or1_rollout.types import FinishReason

CHECK_TOKENS = 8
"""Tokens between searches for a stop string, which cost a decoding of text."""


@dataclass(slots=True, eq=False)
class Row:
    """One sample."""

    prompt_ids: Sequence[int]
    key: int
    """What its requester knows it by."""
    seed: int
    max_tokens: int
    """At which it is cut off."""
    token_ids: array[int] = field(default_factory=lambda: array("i"))
    logprobs: array[float] = field(default_factory=lambda: array("f"))
    finish_reason: FinishReason | None = None
    text: str | None = None
    """Set only where a stop string cut it."""


@dataclass(frozen=True, slots=True)
class StopConditions:
    """What ends a row, beside its length: token ids, and strings in its text."""

    token_ids: frozenset[int]
    strings: tuple[str, ...]
    decode: Callable[[Sequence[int]], str]

    def append(self, row: Row, token: int, logprob: float) -> None:
        """Append a token and set `row.finish_reason` if that ends the row."""
        row.token_ids.append(token)
        row.logprobs.append(logprob)
        if token in self.token_ids:
            row.finish_reason = FinishReason.STOP
        elif len(row.token_ids) == row.max_tokens:
            row.finish_reason = FinishReason.LENGTH
        if self.strings and (row.finish_reason is not None or len(row.token_ids) % CHECK_TOKENS == 0):
            self._cut_at_string(row)

    def _cut_at_string(self, row: Row) -> None:
        """End the row with the token that completes the first stop string; its text ends before the string.

        Only the end of the row is decoded: the tokens since the last search, and as many before them as a string can
        span (a character is at most four tokens).
        """
        tail = CHECK_TOKENS + 4 * max(len(string) for string in self.strings)
        if not self._has_string(self.decode(row.token_ids[-tail:])):
            return
        places = range(max(0, len(row.token_ids) - tail), len(row.token_ids))
        count = places.start + bisect_left(
            places, True, key=lambda place: self._has_string(self.decode(row.token_ids[:place]))
        )
        text = self.decode(row.token_ids[:count])
        if not self._has_string(text):
            return  # only the cut-off beginning of the tail looked like the string
        row.token_ids, row.logprobs = row.token_ids[:count], row.logprobs[:count]
        row.text = text[: min(text.index(string) for string in self.strings if string in text)]
        row.finish_reason = FinishReason.STOP

    def _has_string(self, text: str) -> bool:
        return any(string in text for string in self.strings)


def text_of(tokenizer: Any, token_ids: Sequence[int]) -> str:
    """Text without special tokens, as `tokenizer.decode` gives it."""
    is_plain = (
        isinstance(tokenizer, PreTrainedTokenizerFast)
        and type(tokenizer)._decode is PreTrainedTokenizerFast._decode
        and not tokenizer.clean_up_tokenization_spaces
    )
    # transformers' own method then does nothing but call the other one, and takes as long again
    decode = tokenizer.backend_tokenizer.decode if is_plain else tokenizer.decode
    return str(decode(list(token_ids), skip_special_tokens=True))
