"""What the stages ask of a language model: one answer to chat messages at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, Self


class Completion(NamedTuple):
    """One answer of a model, and whether the length limit ended it: then an attempt is a failure, a vote is none."""

    text: str
    truncated: bool = False
    num_tokens: int = 0
    """Length of the answer; 0 where it is not known."""


class PromptRefused(Exception):  # noqa: N818  named after what happened: it is noted at a row, not raised to the user
    """The server refuses this prompt for good, for example because it is longer than the model's context."""


class ChatModel(Protocol):
    """Answers chat messages; an async context manager. Servers are reached by `or1_data.calls.servers.ServedModel`."""

    @property
    def slots(self) -> int:
        """How many requests are open at a time."""

    async def complete(self, messages: Sequence[Mapping[str, str]], *, seed: int) -> Completion:
        """One answer.

        Raises:
            PromptRefused: this prompt is refused; others may be answered.
            EndpointError: no answer is to be had at all.
        """

    async def __aenter__(self) -> Self:
        """Open connections."""

    async def __aexit__(self, *exc: object) -> None:
        """Close them."""
