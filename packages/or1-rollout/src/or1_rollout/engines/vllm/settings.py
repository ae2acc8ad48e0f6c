"""How a vLLM engine is set up in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmSettings:
    """Options of `VllmEngine.load`; what is not here is left at vLLM's own default.

    `context_tokens` is the longest prompt plus response (0: what the model allows). `memory_share` is the share of a
    GPU's memory for weights and KV cache, `kv_cache_gb` the KV cache on a CPU. `transfer` "auto" takes shared memory
    on a CPU and CUDA IPC on a GPU; `nccl` is for engines on other GPUs. `sleep` lets `sleep()` give GPU memory back.
    """

    context_tokens: int = 0
    dtype: str = "auto"
    tensor_parallel: int = 1
    max_sequences: int = 256
    batch_tokens: int = 8192
    memory_share: float = 0.6
    kv_cache_gb: float = 1.0
    transfer: Literal["auto", "shared_memory", "ipc", "nccl"] = "auto"
    sleep: bool = False
    eager: bool | None = None
    """Without CUDA graphs and compilation; None: only on a CPU, where compiling costs more than it brings."""
    threads: int = 0
    """Threads of a CPU engine; 0 leaves torch's setting as it is."""
