"""The rollout engines that a recipe asks for, one per rank or one per several ranks, as a fleet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from or1_rollout.engine import Engine
from or1_rollout.engines.transformers import TransformersEngine
from or1_trainer.config.schema import RunConfig
from or1_trainer.metrics.spans import SpanLog
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.fleet import Fleet


def build_fleet(
    config: RunConfig,
    model_path: Path,
    tokenizer: PreTrainedTokenizerBase,
    exchange: Exchange,
    on_tokens: Callable[[int], None] | None = None,
    wrap: Callable[[Engine], Engine] = lambda engine: engine,
    spans: SpanLog | None = None,
) -> Fleet:
    """Load this rank's engine. Raises `or1_rollout.EngineError` if vLLM is missing or a server does not answer.

    `on_tokens(n)` is called when n tokens were sampled, by the `transformers` engine. `wrap` puts the recipe's
    environment around the engine; `spans` gets the requests.
    """
    rollout, runtime = config.rollout, exchange.runtime
    if rollout.engine == "vllm":
        return Fleet(wrap(_vllm(config, model_path)), exchange, ranks_per_engine=rollout.vllm.tensor, spans=spans)
    if rollout.engine == "vllm-server":
        return Fleet(wrap(_servers(config, tokenizer, runtime)), exchange, spans=spans)
    embedded = TransformersEngine.load(
        model_path,
        tokenizer=tokenizer,
        device=str(runtime.device),
        dtype=config.model.dtype,
        max_batch_tokens=rollout.batch_tokens,
        kept_tokens=rollout.kept_tokens,
    )
    return Fleet(wrap(embedded), exchange, on_tokens=on_tokens, spans=spans)


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
