"""Keys and values of responses between two turns, so that a turn computes only the tokens that are new.

Axes: g key/value heads, D head size, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """The first tokens of a sequence, with what a model computed for them."""

    token_ids: Sequence[int]
    """[T]"""
    keys: Tensor
    """[layers, g, D, T]"""
    values: Tensor
    """[layers, g, T, D]"""


class KeptTurns:
    """At most `max_tokens` tokens of prefixes, by the key of their response.

    A response for which there is no room computes its earlier turns again: to drop another one, which comes back
    sooner, would gain nothing. The weights must stay the same, so the engine makes one for each call.
    """

    def __init__(self, max_tokens: int, is_over: Callable[[int], bool]) -> None:
        """`is_over(key)`: whether the response needs nothing more; it is asked for where room is needed."""
        self._max_tokens, self._is_over = max_tokens, is_over
        self._prefixes: dict[int, Prefix] = {}
        self.num_tokens = 0
        """That are kept now."""

    def has_room(self, num_tokens: int) -> bool:
        """Whether so many tokens can be put."""
        if self.num_tokens + num_tokens > self._max_tokens:
            for key in [key for key in self._prefixes if self._is_over(key)]:
                self._drop(key)
        return self.num_tokens + num_tokens <= self._max_tokens

    def put(self, key: int, prefix: Prefix) -> None:
        """Keep the beginning of a response until its next turn."""
        self._prefixes[key] = prefix
        self.num_tokens += len(prefix.token_ids)

    def take(self, key: int, prompt_ids: Sequence[int]) -> Prefix | None:
        """What was kept of a response, if its next turn does begin with it."""
        prefix = self._drop(key)
        if prefix is None or len(prefix.token_ids) >= len(prompt_ids):
            return None
        return prefix if list(prompt_ids[: len(prefix.token_ids)]) == list(prefix.token_ids) else None

    def _drop(self, key: int) -> Prefix | None:
        prefix = self._prefixes.pop(key, None)
        self.num_tokens -= 0 if prefix is None else len(prefix.token_ids)
        return prefix
