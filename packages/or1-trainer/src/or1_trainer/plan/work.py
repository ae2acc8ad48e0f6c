"""Tokens and FLOPs of one step, and how long the update takes at an assumed utilisation."""

from __future__ import annotations

from or1_trainer.plan.shape import Shape

FORWARD = 2
"""FLOPs a parameter and token (Kaplan et al. 2020); the backward pass has twice as many."""


def forward_flops(shape: Shape, tokens: float, mean_tokens: float) -> float:
    """Matrix products, and causal attention: a token attends to half of its sequence, at 4 FLOPs a channel."""
    attention = shape.layers * 4 * shape.heads * shape.head_dim * mean_tokens / 2
    return tokens * (FORWARD * shape.matmul_parameters + attention)


def update_flops(shape: Shape, tokens: float, mean_tokens: float, *, passes: int, recompute: bool) -> float:
    """Of all optimiser steps of a batch; recomputation runs the forward pass of each layer once more."""
    return forward_flops(shape, tokens, mean_tokens) * passes * (3 + recompute)
