"""What a reward sees: the responses to one problem."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from or1_data.schema import Problem
from or1_reward.types import Verdict
from or1_rollout.types import Completion

Values = list[float | None]
"""One value per response; None where the reward failed on it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """The responses to one problem, complete, while the engine still works on others."""

    problem: Problem
    prompt: str
    """The text that the policy saw, chat template applied."""
    completions: Sequence[Completion]
    verdicts: Callable[[], Sequence[Verdict]]
    """Waits for the verifier."""
    step: int
    """Training steps done when the group was sampled."""
    context_tokens: int
    """The longest response that the stage allows, or the problem's source."""


class Reward(ABC):
    """One entry of `[[rewards]]`, made from its settings."""

    workers: int = 1
    """Groups it can work on at a time."""

    @abstractmethod
    def values(self, group: Group) -> Values:
        """One value per response, in their order; called in a thread of the reward's own."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Let go of connections and threads."""
