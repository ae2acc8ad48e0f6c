"""Rotary angles from the model's own configuration, and heads stored so that rotating is one complex product.

The order of the elements within a head does not change q.k: storing each pair (j, j + D/2) of a Hugging Face head as
neighbours lets one multiplication of complex numbers rotate all heads of all rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LENGTH_DEPENDENT = ("dynamic", "longrope", "proportional")
"""Kinds whose angles depend on the longest sequence; they go through the model's own forward pass."""


def head_dim_of(config: Any) -> int:
    """D, elements per head."""
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def rotation_table(config: Any, num_positions: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Cos + i sin of every position and pair, times the scaling's factor and D ** -0.25: complex [positions, 1, D / 2].

    Queries and keys are both turned by it: their products are then scaled by D ** -0.5 already. Angles are float32 as
    in `transformers`, whatever the model's dtype.
    """
    kind = config.rope_parameters["rope_type"]
    if kind == "default":
        dim = head_dim_of(config)
        frequency = 1.0 / (config.rope_parameters["rope_theta"] ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
        factor = 1.0
    else:
        frequency, factor = ROPE_INIT_FUNCTIONS[kind](config)
    angles = torch.arange(num_positions, dtype=torch.float32)[:, None] * frequency
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    factor *= head_dim_of(config) ** -0.25
    table = torch.complex(angles.cos().to(wide) * factor, angles.sin().to(wide) * factor)
    return table[:, None].to(device)


def halves_of(heads: Tensor, axis: int) -> Tensor:
    """A view of heads stored as neighbouring pairs in Hugging Face's order: `axis` becomes two, halves and pairs."""
    halves: Tensor = heads.unflatten(axis, (-1, 2)).transpose(axis, axis + 1)
    return halves
