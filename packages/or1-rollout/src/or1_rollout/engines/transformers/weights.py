"""Weights of a Qwen2, Qwen3 or Llama model as decoding reads them: q, k and v in one matrix, gate and up in one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from or1_rollout.engines.transformers.layers import LayerWeights
from or1_rollout.engines.transformers.rope import head_dim

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


class DecoderWeights:
    """All weights of one model; `named` holds the part of each Hugging Face tensor as a view into them."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        """Allocate without values."""
        self._config, self._device, self._dtype = config, device, dtype
        self.embedding = self._empty(config.vocab_size, config.hidden_size)
        self.norm = self._empty(config.hidden_size)
        self.head = self.embedding if config.tie_word_embeddings else self._empty(config.vocab_size, config.hidden_size)
        self.named: dict[str, Tensor] = {EMBEDDING: self.embedding, "model.norm.weight": self.norm, HEAD: self.head}
        self.layers = [self._layer() for _ in range(config.num_hidden_layers)]
        for index, layer in enumerate(self.layers):
            self.named |= self._named_of(f"model.layers.{index}.", layer)

    def _empty(self, *shape: int) -> Tensor:
        return torch.empty(shape, device=self._device, dtype=self._dtype)

    def _layer(self) -> LayerWeights:
        config, dim = self._config, head_dim(self._config)
        hidden, queries = config.hidden_size, config.num_attention_heads * dim
        qkv = queries + 2 * config.num_key_value_heads * dim
        has_norms = config.model_type == "qwen3"
        return LayerWeights(
            input_norm=self._empty(hidden),
            qkv=self._empty(qkv, hidden),
            qkv_bias=self._empty(qkv) if config.model_type == "qwen2" else None,
            q_norm=self._empty(dim) if has_norms else None,
            k_norm=self._empty(dim) if has_norms else None,
            out=self._empty(hidden, queries),
            mlp_norm=self._empty(hidden),
            gate_up=self._empty(2 * config.intermediate_size, hidden),
            down=self._empty(hidden, config.intermediate_size),
        )

    def _named_of(self, prefix: str, layer: LayerWeights) -> dict[str, Tensor]:
        attention, mlp = prefix + "self_attn.", prefix + "mlp."
        gate, up = layer.gate_up.chunk(2)
        named = {
            prefix + "input_layernorm.weight": layer.input_norm,
            attention + "o_proj.weight": layer.out,
            prefix + "post_attention_layernorm.weight": layer.mlp_norm,
            mlp + "gate_proj.weight": gate,
            mlp + "up_proj.weight": up,
            mlp + "down_proj.weight": layer.down,
            attention + "q_norm.weight": layer.q_norm,
            attention + "k_norm.weight": layer.k_norm,
            **self._qkv(attention, "weight", layer.qkv),
            **({} if layer.qkv_bias is None else self._qkv(attention, "bias", layer.qkv_bias)),
        }
        return {name: tensor for name, tensor in named.items() if tensor is not None}

    def _qkv(self, prefix: str, kind: str, fused: Tensor) -> dict[str, Tensor]:
        dim, groups = head_dim(self._config), self._config.num_key_value_heads
        parts = fused.split([self._config.num_attention_heads * dim, groups * dim, groups * dim])
        return {f"{prefix}{name}_proj.{kind}": part for name, part in zip("qkv", parts, strict=True)}
