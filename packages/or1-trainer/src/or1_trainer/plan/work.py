"""FLOPs of one step."""

from __future__ import annotations

from or1_trainer.plan.shape import Shape

FORWARD = 2
"""FLOPs per parameter and token (Kaplan et al., arXiv 2001.08361, 2.1); the backward pass has twice as many."""


def forward_flops(shape: Shape, tokens: float, mean_tokens: float) -> float:
    """Return the FLOPs of matrix products and of causal attention, 4 per channel and attended token."""
    attention = shape.layers * 4 * shape.heads * shape.head_dim * mean_tokens / 2
    return tokens * (FORWARD * shape.matmul_parameters + attention)


def update_flops(shape: Shape, tokens: float, mean_tokens: float, *, passes: int, recompute: bool) -> float:
    """Return the FLOPs of all optimizer steps of a batch; recomputation adds one forward pass."""
    return forward_flops(shape, tokens, mean_tokens) * passes * (3 + recompute)
