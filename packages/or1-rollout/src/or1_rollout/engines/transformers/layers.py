"""The parts of a Qwen2, Qwen3 or Llama decoder layer.

Axes: H hidden size, h query heads, g key/value heads, D head size, F feed-forward size, ... any axes of tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.linear import linear
from or1_rollout.engines.transformers.rope import rotate


@dataclass(frozen=True, slots=True, eq=False)
class LayerWeights:
    """The weights of one layer; None where the family has no such weight."""

    input_norm: Tensor
    """[H]"""
    qkv: Tensor
    """[(h + 2g) D, H]: the query, key and value projections on top of each other."""
    qkv_bias: Tensor | None
    q_norm: Tensor | None
    """[D]"""
    k_norm: Tensor | None
    out: Tensor
    """[H, h D]"""
    mlp_norm: Tensor
    gate_up: Tensor
    """[2F, H]: the gate projection on top of the up projection."""
    down: Tensor
    """[H, F]"""


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers that the layers share."""

    heads: int
    kv_heads: int
    head_dim: int
    eps: float


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Scale x / rms(x) over the last axis."""
    return F.rms_norm(x, (x.shape[-1],), weight, eps)


def attention_inputs(
    layer: LayerWeights, hidden: Tensor, cos: Tensor, sin: Tensor, shape: Shape
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotated queries [..., h, D] and keys [..., g, D], and values [..., g, D]."""
    normed = rms_norm(hidden, layer.input_norm, shape.eps)
    projected = linear(normed, layer.qkv, layer.qkv_bias).unflatten(-1, (-1, shape.head_dim))
    queries_keys, values = projected.split((shape.heads + shape.kv_heads, shape.kv_heads), dim=-2)
    queries, keys = queries_keys.split((shape.heads, shape.kv_heads), dim=-2)
    if layer.q_norm is None or layer.k_norm is None:
        queries, keys = rotate(queries_keys, cos, sin).split((shape.heads, shape.kv_heads), dim=-2)
        return queries, keys, values
    queries = rotate(rms_norm(queries, layer.q_norm, shape.eps), cos, sin)
    return queries, rotate(rms_norm(keys, layer.k_norm, shape.eps), cos, sin), values


def feed_forward(layer: LayerWeights, hidden: Tensor, shape: Shape) -> Tensor:
    """SwiGLU (arXiv 2002.05202) of the normed hidden states."""
    gate, up = linear(rms_norm(hidden, layer.mlp_norm, shape.eps), layer.gate_up).chunk(2, dim=-1)
    return linear(F.silu(gate).mul_(up), layer.down)
