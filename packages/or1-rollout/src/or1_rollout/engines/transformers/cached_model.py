"""Qwen2, Qwen3 and Llama models: their weights, and the forward pass.

Axes: P prompts, L positions of a prompt, H hidden size, h query heads, g key/value heads, D head size, V vocabulary,
... any axes of tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.layers import LayerWeights, Shape, attention_inputs, feed_forward, rms_norm
from or1_rollout.engines.transformers.linear import linear
from or1_rollout.engines.transformers.rope import RotaryEmbedding, head_dim

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""`attend(layer, queries, keys, values)`: [..., h, D] and [..., g, D] twice -> [..., h, D]; it may keep them."""


class CachedModel:
    """A model of one of the three families, with q, k and v in one matrix, and gate and up in one."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        """Allocate the weights without values, which are written through `named`."""
        self.device, self.dtype = device, dtype
        self.rotary = RotaryEmbedding(config, device, dtype)
        self.shape = Shape(
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            head_dim=head_dim(config),
            eps=config.rms_norm_eps,
        )
        self.named: dict[str, Tensor] = {}
        """Every Hugging Face tensor, as a view into what is computed with."""
        vocabulary, hidden = config.vocab_size, config.hidden_size
        self.embedding = self._new("model.", {"embed_tokens": vocabulary}, hidden)
        self.norm = self._new("model.", {"norm": hidden})
        self.head = self.embedding if config.tie_word_embeddings else self._new("", {"lm_head": vocabulary}, hidden)
        self.named["lm_head.weight"] = self.head
        self.layers = [self._layer(f"model.layers.{index}.", config) for index in range(config.num_hidden_layers)]

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        ids_1L = torch.tensor([[*prompt_ids, *response_ids]], device=self.device)
        positions_L = torch.arange(ids_1L.shape[1], device=self.device)
        hidden_1LH = self.forward(ids_1L, positions_L, lambda _, *heads: attention(*heads))
        return self.project(hidden_1LH[0, len(prompt_ids) - 1 : -1])

    def project(self, hidden: Tensor) -> Tensor:
        """Final norm and output head: [..., H] -> [..., V]."""
        return linear(rms_norm(hidden, self.norm, self.shape.eps), self.head)

    def forward(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Hidden states [..., H] of the tokens [...] before the final norm; positions [...] may lack leading axes."""
        cos, sin = self.rotary(positions)
        hidden = F.embedding(ids, self.embedding)
        for index, layer in enumerate(self.layers):
            queries, keys, values = attention_inputs(layer, hidden, cos, sin, self.shape)
            hidden = hidden + linear(attend(index, queries, keys, values).flatten(-2), layer.out)
            hidden = hidden + feed_forward(layer, hidden, self.shape)
        return hidden

    def _layer(self, prefix: str, config: Any) -> LayerWeights:
        new, hidden, inner = partial(self._new, prefix), config.hidden_size, config.intermediate_size
        queries, keys = self.shape.heads * self.shape.head_dim, self.shape.kv_heads * self.shape.head_dim
        qkv = {"self_attn.q_proj": queries, "self_attn.k_proj": keys, "self_attn.v_proj": keys}
        has_norms = config.model_type == "qwen3"
        return LayerWeights(
            input_norm=new({"input_layernorm": hidden}),
            qkv=new(qkv, hidden),
            qkv_bias=new(qkv, kind="bias") if config.model_type == "qwen2" else None,
            q_norm=new({"self_attn.q_norm": self.shape.head_dim}) if has_norms else None,
            k_norm=new({"self_attn.k_norm": self.shape.head_dim}) if has_norms else None,
            out=new({"self_attn.o_proj": hidden}, queries),
            mlp_norm=new({"post_attention_layernorm": hidden}),
            gate_up=new({"mlp.gate_proj": inner, "mlp.up_proj": inner}, hidden),
            down=new({"mlp.down_proj": hidden}, inner),
        )

    def _new(self, prefix: str, rows: Mapping[str, int], *columns: int, kind: str = "weight") -> Tensor:
        """One tensor of parts on top of each other, each with its name and its number of rows."""
        whole = torch.empty(sum(rows.values()), *columns, device=self.device, dtype=self.dtype)
        parts = whole.split(list(rows.values()))
        self.named |= {f"{prefix}{name}.{kind}": part for name, part in zip(rows, parts, strict=True)}
        return whole


def attention(queries: Tensor, keys: Tensor, values: Tensor, is_seen_P1SL: Tensor | None = None) -> Tensor:
    """Attention of [P, S, h, D] queries to [P, L, g, D] keys and values; causal within whole sequences by default."""
    queries, keys, values = (heads.transpose(1, 2) for heads in (queries, keys, values))
    context = F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=is_seen_P1SL, is_causal=is_seen_P1SL is None, enable_gqa=True
    )
    return context.transpose(1, 2)
