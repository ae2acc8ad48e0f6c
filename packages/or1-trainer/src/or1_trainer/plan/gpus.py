"""GPUs by name, with figures from their data sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from or1_trainer.config.near import did_you_mean
from or1_trainer.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Gpu:
    """Memory in GB (1e9 bytes), dense bfloat16 rate in TFLOP/s, memory bandwidth in TB/s.

    `link_gb_s`: bandwidth to other GPUs of the node in GB/s, in one direction. `network_gb_s`: to other nodes, per GPU.
    `host_gb_s`: to the memory of the host.
    """

    name: str
    memory_gb: float
    bf16_tflops: float
    memory_tb_s: float
    link_gb_s: float
    network_gb_s: float = 50
    host_gb_s: float = 64


GPUS: Final = {
    gpu.name: gpu
    for gpu in (
        Gpu("a100", 80, 312, 2.04, 300, 25, 32),
        Gpu("h800", 80, 989, 3.35, 200),
        Gpu("h100", 80, 989, 3.35, 450),
        Gpu("h20", 96, 148, 4.0, 450),
        Gpu("h200", 141, 989, 4.8, 450),
        Gpu("b200", 180, 2250, 7.7, 900, 100),
        Gpu("l40s", 48, 362, 0.864, 32, 12.5, 32),
    )
}
"""NVIDIA data sheets; A100 is the 80 GB SXM, L40S has no NVLink. Networks are those of NVIDIA's DGX machines, one
adapter per GPU: 200 Gbit/s for A100, 400 for Hopper, 800 for B200; 100 assumed for L40S. The host is behind 16 lanes of
PCIe 5, or 4 for A100 and L40S."""


def gpu_named(name: str) -> Gpu:
    """Return the GPU; raise `ConfigError` with the most similar name for an unknown one."""
    if name.lower() not in GPUS:
        hint = did_you_mean(name.lower(), GPUS, cutoff=0.3)
        raise ConfigError(f"unknown --gpu {name!r}{hint}; known: {', '.join(GPUS)}")
    return GPUS[name.lower()]
