"""What a recipe samples with: a fleet of rollout engines, the environment around each, and a teacher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from or1_eval.tools import tool_environment
from or1_rollout.engine import Engine
from or1_rollout.engines.transformers import TransformersEngine
from or1_rollout.environments import Environment, KeptObservations, MultiTurnEngine, SingleTurn, TurnLimits
from or1_trainer.config.schema import EnvironmentSettings, RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.metrics.spans import SpanLog
from or1_trainer.model_path import local_model
from or1_trainer.policy.parallel import Runtime
from or1_trainer.rewards.python import load_function
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.prompts import row_of

OBSERVATIONS = "observations"
"""Folder of a run with the observations of an environment that is not deterministic, a file per rank."""


def build_environment(settings: EnvironmentSettings, kept: Path) -> Environment:
    """The recipe's environment; the trivial one where it has none. Raises `ConfigError` where it cannot be made.

    Observations of one that is not deterministic are kept in the file `kept`.
    """
    made = _made(settings)
    if made.is_deterministic:
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


def build_fleet(
    config: RunConfig,
    model_path: Path,
    tokenizer: PreTrainedTokenizerBase,
    environment: Environment,
    exchange: Exchange,
    *,
    on_tokens: Callable[[int], None],
    spans: SpanLog,
) -> Fleet:
    """Load this rank's engine. Raises `or1_rollout.EngineError` if vLLM is missing or a server does not answer.

    `on_tokens(n)` is called when n tokens were sampled, by the `transformers` engine; `spans` gets the requests.
    """
    kind = config.rollout.engine
    engine = _engine(config, model_path, tokenizer, exchange.runtime)
    return Fleet(
        _with_environment(engine, environment, config, tokenizer),
        exchange,
        ranks_per_engine=config.rollout.vllm.tensor if kind == "vllm" else 1,
        on_tokens=on_tokens if kind == "transformers" else None,
        spans=spans,
    )


def _engine(config: RunConfig, model_path: Path, tokenizer: PreTrainedTokenizerBase, runtime: Runtime) -> Engine:
    rollout = config.rollout
    if rollout.engine == "vllm":
        return _vllm(config, model_path)
    if rollout.engine == "vllm-server":
        return _servers(config, tokenizer, runtime)
    return TransformersEngine.load(
        model_path,
        tokenizer=tokenizer,
        device=str(runtime.device),
        dtype=config.model.dtype,
        max_batch_tokens=rollout.batch_tokens,
        kept_tokens=rollout.kept_tokens,
    )


def _servers(config: RunConfig, tokenizer: PreTrainedTokenizerBase, runtime: Runtime) -> Engine:
    from or1_rollout.engines.vllm.servers import VllmServers

    transfer = config.rollout.transfer
    if transfer == "auto":
        transfer = "shared_memory" if runtime.device.type == "cpu" else "nccl"
    return VllmServers(config.rollout.servers, tokenizer=tokenizer, transfer=transfer, rank=runtime.rank)


def _vllm(config: RunConfig, model_path: Path) -> Engine:
    from or1_rollout.engines.vllm import VllmEngine, VllmSettings

    settings = config.rollout.vllm
    return VllmEngine.load(
        model_path,
        VllmSettings(
            dtype=config.model.dtype,
            tensor_parallel=settings.tensor,
            max_sequences=settings.max_sequences,
            memory_share=settings.memory_share,
            kv_cache_gb=settings.kv_cache_gb,
            transfer=config.rollout.transfer,
            sleep=settings.sleep,
        ),
    )


def _with_environment(
    engine: Engine, environment: Environment, config: RunConfig, tokenizer: PreTrainedTokenizerBase
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


def build_teacher(config: RunConfig, tokenizer: PreTrainedTokenizerBase, runtime: Runtime) -> Engine | None:
    """The engine with the teacher; None where the recipe has none. Raises `ConfigError` for another vocabulary."""
    distill = config.distill
    if not distill.beta:
        return None
    if distill.servers:
        from or1_rollout.engines.vllm.servers import VllmServers

        return VllmServers(distill.servers, tokenizer=tokenizer, rank=runtime.rank)
    path = local_model(distill.teacher)
    own = AutoTokenizer.from_pretrained(path)
    if own.get_vocab() != tokenizer.get_vocab():
        raise ConfigError(
            f"the teacher in {path} has another vocabulary than the policy: reverse KL compares probabilities of the "
            "same tokens"
        )
    return TransformersEngine.load(path, tokenizer=own, device=str(runtime.device), dtype=distill.dtype)
