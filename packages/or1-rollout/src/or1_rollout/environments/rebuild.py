"""An episode in the state that a response left it in, and a check of the response against it."""

from __future__ import annotations

from collections.abc import Sequence

from or1_rollout.environments.protocol import Environment, Episode, Observation, Problem


def rebuilt_episode(
    environment: Environment, problem: Problem, seed: int, turns: Sequence[str]
) -> tuple[Episode, list[Observation]]:
    """A new episode that has seen `turns`, and its observations.

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
