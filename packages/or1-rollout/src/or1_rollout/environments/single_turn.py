"""The trivial environment: a response is one turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from or1_rollout.environments.protocol import Problem
from or1_rollout.types import Message


class SingleTurn:
    """Answers nothing. Fits `Environment` and `Episode`."""

    name = "single_turn"
    stop: Sequence[str] = ()
    tools: Sequence[Mapping[str, Any]] = ()
    is_deterministic = True

    def messages(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The problem's own."""
        return messages

    def start(self, problem: Problem, seed: int) -> SingleTurn:
        """There is no state."""
        return self

    def respond(self, turn: str) -> None:
        """The response is complete."""

    def close(self) -> None:
        """Nothing is held."""
