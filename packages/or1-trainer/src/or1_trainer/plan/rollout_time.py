"""Time to sample a batch of responses.

A decoding step of an engine with B sequences takes o + s B + (bytes of the weights + bytes of B caches) / bandwidth.
The last step ends with the longest response, so more GPUs reduce only the terms with B: in table 9 of Skywork-OR1
(arXiv 2505.22312) eight times the GPUs save 45% of the time. Its rows for 32 and 256 GPUs determine o and s.
"""

from __future__ import annotations

from dataclasses import dataclass

from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.shape import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """Time of the engine besides memory transfers: per decoding step, and per sequence in it."""

    step_ms: float = 6.5
    sequence_ms: float = 0.65
    """Both fitted to table 9 (vLLM 0.6.3 without CUDA graphs, 7B on H800); newer engines have less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """One batch: number, mean length and longest length of the responses."""

    responses: int
    mean_tokens: float
    longest_tokens: int


def rollout_s(
    shape: Shape, gpu: Gpu, sampling: Sampling, *, gpus: int, tensor: int, kv_tokens: int, overheads: Overheads
) -> float:
    """Return the seconds until the last response ends; responses that do not fit into the KV cache wait.

    Lengths are assumed uniform between 0 and twice the mean; only their mean and mean square matter.
    """
    bandwidth = gpu.memory_tb_s * 1e12 * tensor
    per_engine = sampling.responses * tensor / gpus
    waves = max(1.0, per_engine * sampling.mean_tokens / max(kv_tokens, 1))
    step_s = overheads.step_ms / 1e3 + 2 * shape.parameters / bandwidth
    cache_s = shape.kv_bytes_per_token * mean_square(sampling) / 2 / bandwidth
    sequence_s = overheads.sequence_ms / 1e3 * sampling.mean_tokens + cache_s
    return waves * sampling.longest_tokens * step_s + per_engine * sequence_s


def mean_square(sampling: Sampling) -> float:
    """E[length^2] of a uniform distribution with this mean: 4/3 of its square, at most the square of the longest."""
    return min(4 / 3 * sampling.mean_tokens**2, float(sampling.longest_tokens**2))
