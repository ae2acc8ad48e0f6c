"""The number format that suits a machine: `model.dtype = "auto"`."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from or1_rollout.processor import CPU_INFO, has_fast_bfloat16
from or1_trainer.config.schema import RunConfig
from or1_trainer.gpus import visible_gpus


def with_dtype(config: RunConfig, cpu_info: Path = CPU_INFO) -> RunConfig:
    """The settings with "auto" resolved: bfloat16 on CUDA and on processors that multiply it faster, else float32.

    The master weights of the optimizer are float32 either way. A run keeps what it began with, on whatever machine it
    is resumed.
    """
    if config.model.dtype != "auto":
        return config
    on_cuda = config.device == "cuda" or (config.device == "auto" and visible_gpus() > 0)
    dtype = "bfloat16" if on_cuda or has_fast_bfloat16(cpu_info) else "float32"
    return replace(config, model=replace(config.model, dtype=dtype))
