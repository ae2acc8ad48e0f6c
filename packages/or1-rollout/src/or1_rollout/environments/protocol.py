"""What an environment is: the first messages of a problem, and what answers the policy's turns; the trivial one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from or1_rollout.types import Message

Problem = Mapping[str, Any]
"""A row of a problem file: `prompt`, its messages, and whatever else the environment needs to know."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What the policy is shown after a turn."""

    text: str
    role: str | None = "tool"
    """Of the message that shows it; None: the text stands behind the turn's own, and the policy goes on."""


class Episode(Protocol):
    """One response's environment: its state is a function of problem, seed and the turns so far.

    An environment that is not deterministic may answer the same turns with other observations.
    """

    def respond(self, turn: str) -> Observation | None:
        """The observation that follows a turn of the policy; None: the response is complete.

        Whatever the model wrote, this returns. `EnvironmentFailure` says that the environment itself failed: the
        response is then an abort, which earns nothing, not zero.
        """

    def close(self) -> None:
        """Release what the episode holds; also called in the middle of a response."""


class Environment(Protocol):
    """Makes the first messages of problems, and an episode for every response. Used from several threads."""

    @property
    def name(self) -> str:
        """What it is called in logs."""

    @property
    def stop(self) -> Sequence[str]:
        """Strings that end a turn, beside the model's end token."""

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """JSON schemas of functions, for the chat template."""

    @property
    def is_deterministic(self) -> bool:
        """Whether equal problem, seed and turns always give equal observations."""

    def messages(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The first messages of a problem, made from those of its row."""

    def start(self, problem: Problem, seed: int) -> Episode:
        """A new episode; `seed` is the response's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLimits:
    """When a response of several turns is truncated, beside `SamplingParams.max_new_tokens` for what it samples."""

    turns: int = 8
    """Turns of the policy."""
    observation_tokens: int = 4096
    """Tokens of all observations of a response."""

    def __post_init__(self) -> None:
        """Refuse limits that allow nothing."""
        if self.turns < 1 or self.observation_tokens < 0:
            raise ValueError(f"need turns >= 1 and observation_tokens >= 0, got {self}")


class SingleTurn:
    """The trivial environment: a response is one turn. Fits `Environment` and `Episode`."""

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


def rebuilt_episode(
    environment: Environment, problem: Problem, seed: int, turns: Sequence[str]
) -> tuple[Episode, list[Observation]]:
    """A new episode in the state that a response of these `turns` left it in, and its observations.

    Raises:
        ValueError: the episode ends before the last turn, so that these are not turns of one response.
    """
    episode, observations = environment.start(problem, seed), list[Observation]()
    for number, turn in enumerate(turns):
        observation = episode.respond(turn)
        if observation is None and number < len(turns) - 1:
            episode.close()
            raise ValueError(f"{environment.name} ends with turn {number} of {len(turns)}: other problem, or seed")
        observations += [] if observation is None else [observation]
    return episode, observations
