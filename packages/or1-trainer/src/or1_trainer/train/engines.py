"""The rollout engine that a recipe asks for, on this rank."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from or1_rollout.engine import Engine
from or1_rollout.engines.transformers import TransformersEngine
from or1_trainer.config.schema import RunConfig
from or1_trainer.policy.parallel import Runtime


def build_engine(config: RunConfig, model_path: Path, tokenizer: PreTrainedTokenizerBase, runtime: Runtime) -> Engine:
    """Made and loaded. Raises `or1_rollout.EngineError` where vLLM is not installed or a server is not there."""
    rollout = config.rollout
    if rollout.engine == "transformers":
        return TransformersEngine.load(
            model_path,
            tokenizer=tokenizer,
            device=str(runtime.device),
            dtype=config.model.dtype,
            max_batch_tokens=rollout.batch_tokens,
        )
    if rollout.engine == "vllm":
        return _vllm(config, model_path)
    from or1_rollout.engines.vllm.servers import VllmServers

    transfer = rollout.transfer
    if transfer == "auto":
        transfer = "shared_memory" if runtime.device.type == "cpu" else "nccl"
    return VllmServers(rollout.servers, tokenizer=tokenizer, transfer=transfer, rank=runtime.rank)


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
