"""The environment that a recipe asks for, and the engine whose responses it takes part in."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from or1_reward.code.judging import JudgingError
from or1_reward.python_session import PythonSession
from or1_reward.sandbox import SandboxError
from or1_rollout.engine import Engine
from or1_rollout.environments import (
    AskedCalls,
    Calculator,
    CodeTool,
    Environment,
    FencedCalls,
    FileSearch,
    HermesCalls,
    KeptObservations,
    MultiTurnEngine,
    SingleTurn,
    Tool,
    ToolEnvironment,
    TurnLimits,
)
from or1_rollout.errors import EnvironmentFailure
from or1_trainer.config.schema import EnvironmentSettings, RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.python import load_function
from or1_trainer.train.prompts import PromptEncoder


class JailedPython:
    """Python cells of one response in or1-reward's sandbox. Fits `or1_rollout.environments.CodeSession`."""

    def __init__(self, seed: int) -> None:
        """A session whose random numbers come from `seed`."""
        self._session = PythonSession(seed=seed)

    def run(self, code: str) -> str:
        """See `PythonSession.run`. Raises `EnvironmentFailure` where the sandbox failed."""
        try:
            return self._session.run(code)
        except (JudgingError, SandboxError) as error:
            raise EnvironmentFailure(f"the sandbox of the Python tool failed: {error}") from error


_FORMATS = {"hermes": HermesCalls, "fenced": FencedCalls, "asked": AskedCalls}


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
    if name == "python":
        return CodeTool(JailedPython)
    folder = Path(settings.search_folder)
    if not settings.search_folder or not folder.is_dir():
        raise ConfigError(f"environment.search_folder = {settings.search_folder!r} is no folder to search in")
    return FileSearch(folder)
