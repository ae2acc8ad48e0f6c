"""The environment that a recipe asks for, and the engine whose responses it takes part in."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from or1_eval.tools import tool_environment
from or1_rollout.engine import Engine
from or1_rollout.environments import Environment, KeptObservations, MultiTurnEngine, SingleTurn, TurnLimits
from or1_trainer.config.schema import EnvironmentSettings, RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.python import load_function
from or1_trainer.train.prompts import row_of

OBSERVATIONS = "observations"
"""Folder of a run with the observations of an environment that is not deterministic, a file per rank."""


def build_environment(settings: EnvironmentSettings, kept: Path | None = None) -> Environment:
    """The recipe's environment; the trivial one where it has none.

    Observations of one that is not deterministic are kept in the file `kept`, where it is given. Raises `ConfigError`
    where it cannot be made.
    """
    made = _made(settings)
    if made.is_deterministic or kept is None:
        return made
    kept.parent.mkdir(exist_ok=True)
    return KeptObservations(made, kept)


def _made(settings: EnvironmentSettings) -> Environment:
    if settings.make:
        made: Environment = load_function(settings.make)()
        return made
    if not settings.tools:
        return SingleTurn()
    try:
        return tool_environment(
            settings.tools, settings.format, system=settings.system, search_folder=settings.search_folder
        )
    except ValueError as error:
        raise ConfigError(f"environment: {error}") from error


def with_environment(
    engine: Engine,
    environment: Environment,
    config: RunConfig,
    tokenizer: PreTrainedTokenizerBase,
) -> Engine:
    """The engine itself where responses have one turn and are sampled in one piece."""
    settings, pieces = config.environment, config.rollout.piece_tokens
    if not settings.is_active and not pieces:
        return engine
    counts_steps = config.rollout.engine != "vllm-server"
    return MultiTurnEngine(
        engine,
        environment,
        tokenizer,
        limits=TurnLimits(turns=settings.turns, observation_tokens=settings.observation_tokens),
        lag_steps=settings.lag_steps or None if counts_steps else None,
        threads=settings.threads,
        piece_tokens=pieces or None,
        problem_of=row_of,
    )
