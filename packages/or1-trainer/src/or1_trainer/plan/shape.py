"""Sizes of a decoder-only transformer, and its number of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from or1_trainer.errors import ConfigError

FAMILIES = ("qwen2", "qwen3", "llama")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a Qwen2, Qwen3 or Llama model."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    is_tied: bool
    has_qkv_bias: bool
    has_qk_norm: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Read the keys of a `config.json`; raise `ConfigError` for a model type that the trainer does not support."""
        family = str(config.get("model_type"))
        if family not in FAMILIES:
            raise ConfigError(f"model_type {family!r} is not one of {', '.join(FAMILIES)}")
        try:
            heads, hidden = int(config["num_attention_heads"]), int(config["hidden_size"])
            return cls(
                hidden=hidden,
                layers=int(config["num_hidden_layers"]),
                heads=heads,
                kv_heads=int(config.get("num_key_value_heads") or heads),
                head_dim=int(config.get("head_dim") or hidden // heads),
                intermediate=int(config["intermediate_size"]),
                vocabulary=int(config["vocab_size"]),
                is_tied=bool(config.get("tie_word_embeddings", False)),
                has_qkv_bias=family == "qwen2" or bool(config.get("attention_bias", False)),
                has_qk_norm=family == "qwen3",
            )
        except KeyError as error:
            missing = error.args[0]
            raise ConfigError(f"config.json has no {missing!r}: it is not a complete {family} configuration") from error

    @property
    def layer_parameters(self) -> int:
        """Parameters of a layer: projections of attention and feed-forward, biases, norms of queries and keys."""
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = self.hidden * (query + 2 * key) + query * self.hidden
        extra = (query + 2 * key) * self.has_qkv_bias + 2 * self.head_dim * self.has_qk_norm
        return attention + extra + 3 * self.hidden * self.intermediate

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the input embedding; an untied output projection has the same number."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """Parameters of the model, norms included."""
        norms = 2 * self.layers * self.hidden + self.hidden
        return self.layers * self.layer_parameters + norms + self.embedding_parameters * (1 if self.is_tied else 2)

    def rank_parameters(self, tensor: int) -> float:
        """Parameters of one of `tensor` ranks: all are divided but the norms."""
        norms = self.layers * (2 * self.hidden + 2 * self.head_dim * self.has_qk_norm) + self.hidden
        return (self.parameters - norms) / tensor + norms

    @property
    def matmul_parameters(self) -> int:
        """Parameters that multiply each token: all but the input embedding (PaLM, arXiv 2204.02311, app. B)."""
        return self.layers * self.layer_parameters + self.embedding_parameters

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of keys and values of one token in all layers, in bfloat16."""
        return 2 * 2 * self.layers * self.kv_heads * self.head_dim
