"""Weights of a Qwen2, Qwen3 or Llama model in the form that decoding wants: q, k, v in one matrix, gate and up in one.

Every Hugging Face tensor has a `Place` in that storage, so that new weights are written where decoding reads them and
fingerprints are taken from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from or1_rollout.embedded.rotary import head_dim_of, paired_order
from or1_rollout.embedded.steps import LayerWeights, ModelWeights
from or1_rollout.errors import WeightPushError
from or1_rollout.proof import Fingerprint, fingerprints

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


class RowOrder(NamedTuple):
    """Row i of the storage is the tensor's row `stored[i]`; the tensor's row i is row `original[i]` of the storage."""

    stored: Tensor
    original: Tensor


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Hugging Face tensor lives: a view of the storage, its own shape, and the order of its rows there."""

    view: Tensor
    shape: tuple[int, ...]
    order: RowOrder | None = None

    def write(self, value: Tensor) -> None:
        """Copy a tensor in Hugging Face order into the storage."""
        value = value.detach()
        ordered = value if self.order is None else value.index_select(0, self.order.stored.to(value.device))
        self.view.copy_(ordered.view(self.view.shape))

    def read(self) -> Tensor:
        """The stored tensor in Hugging Face order."""
        rows = self.view.reshape(self.shape)
        return rows if self.order is None else rows.index_select(0, self.order.original)


class FusedWeights:
    """All weights of one model, and their places by Hugging Face name."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        self.tied = bool(config.tie_word_embeddings)
        self.places: dict[str, Place] = {}
        self._config, self._device, self._dtype = config, device, dtype
        embedding = self._new(EMBEDDING, config.vocab_size, config.hidden_size)
        self.layers = [self._layer(f"model.layers.{index}.") for index in range(config.num_hidden_layers)]
        norm = self._new("model.norm.weight", config.hidden_size)
        self.head = embedding if self.tied else self._new(HEAD, config.vocab_size, config.hidden_size)
        self.model = ModelWeights(
            embedding, norm, self.head, torch.tensor([config.rms_norm_eps], device=device, dtype=dtype)
        )

    @property
    def num_bytes(self) -> int:
        """Of all weights."""
        return sum(place.view.nbytes for place in self.places.values())

    def write(self, named: Iterable[tuple[str, Tensor]]) -> None:
        """Replace every weight; raises `WeightPushError` naming what is missing, unknown, or of another shape.

        A tied head may be sent or not; it must then be the embedding, which the proof of the push checks.
        """
        seen: set[str] = set()
        for name, value in named:
            place = self.places.get(name)
            if place is None and self.tied and name == HEAD:
                continue
            if place is None or place.shape != tuple(value.shape):
                shape = "no such tensor" if place is None else f"shape {place.shape}"
                raise WeightPushError(
                    f"{name} of shape {tuple(value.shape)} does not fit the engine's model: {shape} there"
                )
            place.write(value)
            seen.add(name)
        if missing := sorted(self.places.keys() - seen):
            raise WeightPushError(f"{len(missing)} tensors were not pushed: {', '.join(missing[:5])}")

    def differing(self, named: Iterable[tuple[str, Tensor]]) -> list[str]:
        """Names of tensors whose values are not those of what decoding reads, and of those that are not named."""
        left = {name: place.read for name, place in self.places.items()}
        tied = {HEAD: lambda: self.head} if self.tied else {}  # may be named or not
        wrong = [
            name
            for name, value in named
            if (read := left.pop(name, tied.get(name))) is None
            or not torch.equal(read(), value.to(self._device, self._dtype))
        ]
        return wrong + list(left)

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """Of what decoding reads; the head too, which for tied models is the embedding's own storage."""
        found = {name: place.read() for name, place in self.places.items()}
        return fingerprints(found | {HEAD: self.head} if self.tied else found)

    def _new(self, name: str, *shape: int) -> Tensor:
        tensor = torch.zeros(shape, device=self._device, dtype=self._dtype)
        self.places[name] = Place(tensor, shape)
        return tensor

    def _layer(self, prefix: str) -> LayerWeights:
        config, attention, mlp = self._config, prefix + "self_attn.", prefix + "mlp."
        has_norms = config.model_type == "qwen3"
        has_bias = config.model_type == "qwen2" or bool(getattr(config, "attention_bias", False))
        return LayerWeights(
            input_norm=self._new(prefix + "input_layernorm.weight", config.hidden_size),
            qkv=self._qkv(attention, "weight", config.hidden_size),
            qkv_bias=self._qkv(attention, "bias") if has_bias else None,
            q_norm=self._head_norm(attention + "q_norm.weight") if has_norms else None,
            k_norm=self._head_norm(attention + "k_norm.weight") if has_norms else None,
            out=self._new(
                attention + "o_proj.weight", config.hidden_size, config.num_attention_heads * head_dim_of(config)
            ),
            mlp_norm=self._new(prefix + "post_attention_layernorm.weight", config.hidden_size),
            gate_up=self._gate_up(mlp),
            down=self._new(mlp + "down_proj.weight", config.hidden_size, config.intermediate_size),
        )

    def _qkv(self, prefix: str, kind: str, *columns: int) -> Tensor:
        """Of every key/value head its queries, its key and its value, so that one slice holds what is rotated."""
        dim, groups = head_dim_of(self._config), self._config.num_key_value_heads
        heads = self._config.num_attention_heads
        fused = torch.zeros(
            (groups, heads // groups + 2, dim, *columns), device=self._device, dtype=self._dtype
        )  # [g, R + 2, D, ...]
        q_rows, kv_rows = heads * dim, groups * dim
        self.places[f"{prefix}q_proj.{kind}"] = Place(fused[:, :-2], (q_rows, *columns), self._pairs(q_rows))
        self.places[f"{prefix}k_proj.{kind}"] = Place(fused[:, -2], (kv_rows, *columns), self._pairs(kv_rows))
        self.places[f"{prefix}v_proj.{kind}"] = Place(fused[:, -1], (kv_rows, *columns))
        return fused.flatten(0, 2)

    def _pairs(self, rows: int) -> RowOrder:
        stored = paired_order(rows, head_dim_of(self._config)).to(self._device)
        return RowOrder(stored, stored.argsort())

    def _head_norm(self, name: str) -> Tensor:
        dim = head_dim_of(self._config)
        norm = self._new(name, dim)
        self.places[name] = Place(norm, (dim,), self._pairs(dim))
        return norm

    def _gate_up(self, prefix: str) -> Tensor:
        width = self._config.intermediate_size
        fused = torch.zeros((2 * width, self._config.hidden_size), device=self._device, dtype=self._dtype)
        self.places[prefix + "gate_proj.weight"] = Place(fused[:width], (width, fused.shape[1]))
        self.places[prefix + "up_proj.weight"] = Place(fused[width:], (width, fused.shape[1]))
        return fused
