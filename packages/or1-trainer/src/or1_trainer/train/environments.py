"""The environment that a recipe asks for, and the engine whose responses it takes part in."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from or1_rollout.engine import Engine
from or1_rollout.environments import (
    AskedCalls,
    Calculator,
    Environment,
    FencedCalls,
    FileSearch,
    HermesCalls,
    MultiTurnEngine,
    SingleTurn,
    Tool,
    ToolEnvironment,
    TurnLimits,
)
from or1_trainer.config.schema import EnvironmentSettings, RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.python import load_function
from or1_trainer.train.prompts import PromptEncoder

_FORMATS = {"hermes": HermesCalls, "fenced": FencedCalls, "asked": AskedCalls}


def build_environment(settings: EnvironmentSettings) -> Environment:
    """The recipe's environment; the trivial one where it has none. Raises `ConfigError` where it cannot be made."""
    if settings.make:
        made: Environment = load_function(settings.make)()
        return made
    if not settings.tools:
        return SingleTurn()
    form = _FORMATS[settings.format]()
    return ToolEnvironment([_tool(name, settings) for name in settings.tools], form, settings.system)


def with_environment(
    engine: Engine,
    environment: Environment,
    config: RunConfig,
    tokenizer: PreTrainedTokenizerBase,
    prompts: PromptEncoder,
) -> Engine:
    """The engine itself where responses have one turn."""
    settings = config.environment
    if not settings.is_active:
        return engine
    counts_steps = config.rollout.engine != "vllm-server"
    return MultiTurnEngine(
        engine,
        environment,
        tokenizer,
        limits=TurnLimits(turns=settings.turns, observation_tokens=settings.observation_tokens),
        lag_steps=settings.lag_steps or None if counts_steps else None,
        threads=settings.threads,
        problem_of=prompts.row_of,
    )


def _tool(name: str, settings: EnvironmentSettings) -> Tool:
    if name == "calculator":
        return Calculator()
    folder = Path(settings.search_folder)
    if not settings.search_folder or not folder.is_dir():
        raise ConfigError(f"environment.search_folder = {settings.search_folder!r} is no folder to search in")
    return FileSearch(folder)
