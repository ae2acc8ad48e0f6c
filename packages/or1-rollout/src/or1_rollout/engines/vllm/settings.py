"""How a vLLM engine is set up in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmSettings:
    """Options of `VllmEngine.load`; everything else has vLLM's own default."""

    context_tokens: int = 0
    """Longest prompt and response together; 0: what the model allows."""
    dtype: str = "auto"
    tensor_parallel: int = 1
    max_sequences: int = 256
    batch_tokens: int = 8192
    memory_share: float = 0.6
    """Share of a GPU's memory for weights and KV cache."""
    kv_cache_gb: float = 1.0
    """Size of the KV cache on a CPU."""
    transfer: Literal["auto", "in_process", "shared_memory", "ipc", "nccl"] = "auto"
    """How new weights arrive. "auto": the tensors themselves where vLLM's worker is in this process, else through
    shared memory."""
    sleep: bool = False
    """Allow `VllmEngine.sleep`, which frees GPU memory."""
    eager: bool | None = None
    """Without CUDA graphs and compilation; None: only on a CPU, where compiling costs more than it saves."""
    threads: int = 0
    """Threads of a CPU engine; 0 leaves torch's setting as it is."""
