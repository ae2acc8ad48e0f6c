"""Rotary position embedding (RoFormer, arXiv 2104.09864), with the scalings that `transformers` knows.

Axes: D head size, ... any axes of positions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LENGTH_DEPENDENT = ("dynamic", "longrope", "proportional")
"""Scalings whose frequencies depend on the longest sequence; such models run through their own forward pass."""


def head_dim(config: Any) -> int:
    """D, elements per head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


class RotaryEmbedding:
    """Cosines and sines of positions."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        kind, dim = config.rope_parameters["rope_type"], head_dim(config)
        if kind == "default":
            exponents = torch.arange(0, dim, 2, dtype=torch.float32) / dim
            frequency, self._scale = 1.0 / config.rope_parameters["rope_theta"] ** exponents, 1.0
        else:
            frequency, self._scale = ROPE_INIT_FUNCTIONS[kind](config)
        self._frequency, self._dtype = frequency.to(device), dtype

    def __call__(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """[...] positions -> cosines and sines, [..., 1, D]; angles are float32 as in `transformers`."""
        angles = positions[..., None, None].float() * self._frequency
        angles = torch.cat((angles, angles), dim=-1)
        return (angles.cos() * self._scale).to(self._dtype), (angles.sin() * self._scale).to(self._dtype)


def rotate(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate heads [..., heads, D] by the angles of their positions."""
    rotated = heads * cos
    (first, second), (low, high) = heads.chunk(2, dim=-1), rotated.chunk(2, dim=-1)
    sin_low, sin_high = sin.chunk(2, dim=-1)
    low.addcmul_(second, sin_low, value=-1)
    high.addcmul_(first, sin_high)
    return rotated
