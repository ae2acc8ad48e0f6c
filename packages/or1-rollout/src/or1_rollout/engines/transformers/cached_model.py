"""The forward pass of Qwen2, Qwen3 and Llama models.

Axes: P prompts, L positions of a prompt, H hidden size, h query heads, g key/value heads, D head size, V vocabulary,
... any axes of tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.layers import Shape, attention_inputs, feed_forward, rms_norm
from or1_rollout.engines.transformers.linear import linear
from or1_rollout.engines.transformers.rope import RotaryEmbedding, head_dim
from or1_rollout.engines.transformers.weights import DecoderWeights

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""`attend(layer, queries, keys, values)`: [..., h, D] and [..., g, D] twice -> [..., h, D]; it may keep them."""


class CachedModel:
    """A model of one of the three families."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        """Allocate the weights; their values are written through `named`."""
        self.weights = DecoderWeights(config, device, dtype)
        self.named, self.device, self.dtype = self.weights.named, device, dtype
        self.rotary = RotaryEmbedding(config, device, dtype)
        self.shape = Shape(
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            head_dim=head_dim(config),
            eps=config.rms_norm_eps,
        )

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        ids_1L = torch.tensor([[*prompt_ids, *response_ids]], device=self.device)
        positions_L = torch.arange(ids_1L.shape[1], device=self.device)
        hidden_1LH = self.forward(ids_1L, positions_L, lambda _, *heads: attention(*heads))
        return self.project(hidden_1LH[0, len(prompt_ids) - 1 : -1])

    def project(self, hidden: Tensor) -> Tensor:
        """Final norm and output head: [..., H] -> [..., V]."""
        return linear(rms_norm(hidden, self.weights.norm, self.shape.eps), self.weights.head)

    def forward(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Hidden states [..., H] of the tokens [...] before the final norm; positions [...] may lack leading axes."""
        cos, sin = self.rotary(positions)
        hidden = F.embedding(ids, self.weights.embedding)
        for index, layer in enumerate(self.weights.layers):
            queries, keys, values = attention_inputs(layer, hidden, cos, sin, self.shape)
            hidden = hidden + linear(attend(index, queries, keys, values).flatten(-2), layer.out)
            hidden = hidden + feed_forward(layer, hidden, self.shape)
        return hidden


def attention(queries: Tensor, keys: Tensor, values: Tensor, is_seen_P1SL: Tensor | None = None) -> Tensor:
    """Attention of [P, S, h, D] queries to [P, L, g, D] keys and values; causal within whole sequences by default."""
    queries, keys, values = (heads.transpose(1, 2) for heads in (queries, keys, values))
    context = F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=is_seen_P1SL, is_causal=is_seen_P1SL is None, enable_gqa=True
    )
    return context.transpose(1, 2)
