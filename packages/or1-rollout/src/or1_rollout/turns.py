"""Requests that arrive while others are being sampled: how turns of many responses interleave in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from or1_rollout.types import Completion, Prompt


@dataclass(frozen=True, slots=True, eq=False)
class TurnRequest:
    """One turn to be sampled."""

    key: int
    """Which response it belongs to; at most one request of a response is in flight."""
    prompt: Prompt
    """Everything before the turn."""
    seed: int
    max_new_tokens: int


class Feed(Protocol):
    """Where an engine gets its requests from, and takes their completions to; in one thread."""

    def take(self, step: int, *, wait: bool) -> Sequence[TurnRequest]:
        """Requests that may enter now; `step` counts the engine's decoding steps.

        With `wait` (the engine has nothing else to do) it blocks until there is a request; none then means that no
        more will come.
        """

    def put(self, key: int, completion: Completion, step: int) -> None:
        """Hand over a turn that ended in `step`."""

    def is_over(self, key: int, step: int) -> bool:
        """Whether the response is known in `step` to have no further turn, so that nothing need be kept for it."""
