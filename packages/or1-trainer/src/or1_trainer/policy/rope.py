"""Rotary position embedding for packed tokens, for every scaling of `transformers` with fixed angles.

Megatron's own rotary embedding for packed input splits the batch in a Python loop over its sequences, and knows neither
llama3's parameters nor yarn's as Hugging Face writes them. Here the angles come from `transformers`.

Axes: T tokens, G key/value groups, R query heads of each, D head dimension.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from or1_trainer.policy.errors import LayoutError

_FIXED_ANGLES = ("default", "linear", "llama3", "yarn")  # others depend on the longest sequence of a batch


class Rotation(NamedTuple):
    """Factors of every token's rotation, each [T, 1, 1, D / 2]."""

    cos: Tensor
    sin: Tensor


def inverse_frequencies(hf_config: Any) -> tuple[Tensor, float]:
    """Return the angle per position of each pair, float32 [D / 2], and the factor on cos and sin (1 except for yarn).

    Raises:
        LayoutError: the scaling is unknown, or its angles depend on the length of the sequence.
    """
    parameters = hf_config.rope_parameters
    kind = parameters["rope_type"]
    if kind not in _FIXED_ANGLES:
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


def rotation(positions_T: Tensor, inv_freq: Tensor, factor: float, dtype: torch.dtype) -> Rotation:
    """Return factor * cos and factor * sin of every token's angles.

    Angles, cos and sin are float32 as in `transformers`, whatever the model's dtype; float64 for a float64 model.
    """
    angles = (positions_T[:, None].float() * inv_freq)[:, None, None]
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    return Rotation((angles.cos() * factor).to(wide), (angles.sin() * factor).to(wide))


def rotate(mixed_TGRD: Tensor, turn: Rotation) -> Tensor:
    """Rotate queries and keys of a fused projection [T, G, R + 2, D] (R queries, key, value); values stay."""
    rotated: Tensor = _Rotate.apply(mixed_TGRD, *turn)
    return rotated


class _Rotate(torch.autograd.Function):
    """The pair (x_j, x_{j + D/2}) of a head becomes (x_j cos - x_{j + D/2} sin, x_{j + D/2} cos + x_j sin)."""

    @staticmethod
    def forward(ctx: Any, mixed_TGRD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(mixed_TGRD, cos, sin)

    @staticmethod
    def backward(ctx: Any, grad_TGRD: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _rotated(grad_TGRD, cos, -sin), None, None


def _rotated(mixed_TGRD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    rotated = torch.empty_like(mixed_TGRD)
    first, second = mixed_TGRD[..., :-1, :].chunk(2, -1)
    to_first, to_second = rotated[..., :-1, :].chunk(2, -1)
    to_first.copy_(first * cos - second * sin)
    to_second.copy_(second * cos + first * sin)
    rotated[..., -1, :] = mixed_TGRD[..., -1, :]
    return rotated
