"""The number format that suits a machine: `model.dtype = "auto"`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from msgspec.structs import replace

from or1_trainer.config.schema import RunConfig

BFLOAT16_FLAGS: Final = {"avx512_bf16", "amx_bf16"}
"""Processor features with which oneDNN multiplies bfloat16 matrices two to four times as fast as float32 ones."""


def with_dtype(config: RunConfig, cpu_info: Path = Path("/proc/cpuinfo")) -> RunConfig:
    """The settings with "auto" resolved: bfloat16 on CUDA and on processors that multiply it, else float32.

    The master weights of the optimizer are float32 either way. A run keeps what it began with, on whatever machine it
    is resumed.
    """
    if config.model.dtype != "auto":
        return config
    return replace(config, model=replace(config.model, dtype=_dtype(config.device, cpu_info)))


def _dtype(device: str, cpu_info: Path) -> Literal["bfloat16", "float32"]:
    if device == "cuda" or (device == "auto" and _has_cuda()):
        return "bfloat16"
    try:
        lines = cpu_info.read_text().splitlines()
    except OSError:  # no /proc: not Linux, or a container without it
        return "float32"
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    return "bfloat16" if flags & BFLOAT16_FLAGS else "float32"


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
