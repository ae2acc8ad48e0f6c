"""Rotary position embedding as one complex product, for every scaling that `transformers` knows.

Megatron's own rotary embedding for packed input splits the batch in a Python loop over its sequences, and knows neither
llama3's parameters nor yarn's as Hugging Face writes them. Here the angles come from `transformers` itself (default,
linear, llama3, yarn, dynamic) and each pair (x_j, x_{j + D/2}) of a Hugging Face head is stored as neighbours, so
that rotating a head is one
multiplication of complex numbers. The order within a head does not change q.k; `weights` permutes it on the way in
and out.
"""

from typing import Any

import torch
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from or1_trainer.policy.errors import LayoutError

_LENGTH_DEPENDENT = ("dynamic", "longrope", "proportional")  # angles depend on the longest sequence of a batch


def inverse_frequencies(hf_config: Any) -> tuple[Tensor, float]:
    """Return the angle per position of each pair, float32 [D / 2].

    And the factor on cos and sin (1 except for yarn).
    """
    parameters = hf_config.rope_parameters
    kind = parameters["rope_type"]
    if kind in _LENGTH_DEPENDENT or (kind != "default" and kind not in ROPE_INIT_FUNCTIONS):
        raise LayoutError(
            f"rope_type {kind!r} of the model's config.json is not supported; "
            "supported are default, linear, llama3 and yarn"
        )
    if kind != "default":
        inv_freq, factor = ROPE_INIT_FUNCTIONS[kind](hf_config)
        return inv_freq, float(factor)
    head_dim = getattr(hf_config, "head_dim", None) or hf_config.hidden_size // hf_config.num_attention_heads
    exponent = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    return 1.0 / (parameters["rope_theta"] ** exponent), 1.0


def rotation(positions_T: Tensor, inv_freq: Tensor, factor: float, dtype: torch.dtype) -> Tensor:
    """Return factor * (cos + i sin) of every token's angles, complex [T, 1, D / 2].

    Angles, cos and sin are float32 as in `transformers`, whatever the model's dtype; float64 models get complex128.
    """
    angles = positions_T[:, None].float() * inv_freq
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    return torch.complex((angles.cos() * factor).to(wide), (angles.sin() * factor).to(wide))[:, None]


def interleave(weight: Tensor, head_dim: int) -> Tensor:
    """Reorder the rows of a q or k projection (or a q/k norm) from Hugging Face's halves to neighbouring pairs."""
    paired: Tensor = weight.unflatten(0, (-1, 2, head_dim // 2)).transpose(1, 2).flatten(0, 2)
    return paired


def deinterleave(heads: Tensor, axis: int) -> Tensor:
    """A view of stored heads in Hugging Face's order: `axis`, the elements of a head, becomes halves and pairs."""
    halves: Tensor = heads.unflatten(axis, (-1, 2)).transpose(axis, axis + 1)
    return halves
