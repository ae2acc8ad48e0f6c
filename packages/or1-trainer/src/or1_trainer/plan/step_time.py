"""FLOPs of an update, and the time to sample a batch of responses.

A decoding step of an engine with B sequences takes o + s B + (bytes of the weights + bytes of B caches) / bandwidth.
The last step ends with the longest response, so more GPUs reduce only the terms with B: in table 9 of Skywork-OR1
(arXiv 2505.22312) eight times the GPUs save 45% of the time. Its rows for 32 and 256 GPUs determine o and s.
"""

from __future__ import annotations

from dataclasses import dataclass

from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.shape import Shape

FORWARD = 2
"""FLOPs per parameter and token (Kaplan et al., arXiv 2001.08361, 2.1); the backward pass has twice as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Assumptions that no formula provides."""

    mean_share: float = 0.5
    """Mean response length divided by the context."""
    kept_share: float = 0.6
    """Fraction of groups that have an advantage and are trained on."""
    utilization: float = 0.3
    """FLOPs of the update divided by the GPU's bfloat16 peak; recomputation counts as work."""
    step_overhead_ms: float = 6.5
    """Time of the engine per decoding step, besides memory transfers."""
    sequence_overhead_ms: float = 0.65
    """The same per sequence in it. Both fitted to table 9 (vLLM 0.6.3 without CUDA graphs, 7B on H800); newer engines
    have less."""


def forward_flops(shape: Shape, tokens: float, mean_tokens: float) -> float:
    """Return the FLOPs of matrix products and of causal attention, 4 per channel and attended token."""
    attention = shape.layers * 4 * shape.heads * shape.head_dim * mean_tokens / 2
    return tokens * (FORWARD * shape.matmul_parameters + attention)


def update_flops(shape: Shape, tokens: float, mean_tokens: float, *, passes: int, recompute: bool) -> float:
    """Return the FLOPs of all optimizer steps of a batch; recomputation adds one forward pass."""
    return forward_flops(shape, tokens, mean_tokens) * passes * (3 + recompute)


def rollout_s(
    shape: Shape,
    gpu: Gpu,
    assumptions: Assumptions,
    *,
    responses: int,
    longest_tokens: int,
    gpus: int,
    tensor: int,
    kv_tokens: int,
) -> float:
    """Return the seconds until the last response ends; responses that do not fit into the KV cache wait.

    Lengths are assumed uniform between 0 and twice the mean; only their mean and mean square matter.
    """
    mean_tokens = assumptions.mean_share * longest_tokens
    mean_square = min(4 / 3 * mean_tokens**2, longest_tokens**2)
    bandwidth = gpu.memory_tb_s * 1e12 * tensor
    per_engine = responses * tensor / gpus
    waves = max(1.0, per_engine * mean_tokens / max(kv_tokens, 1))
    step_s = assumptions.step_overhead_ms / 1e3 + 2 * shape.parameters / bandwidth
    cache_s = shape.kv_bytes_per_token * mean_square / 2 / bandwidth
    sequence_s = assumptions.sequence_overhead_ms / 1e3 * mean_tokens + cache_s
    return waves * longest_tokens * step_s + per_engine * sequence_s
