"""Weights of a Qwen2, Qwen3 or Llama model in the form that decoding wants: q, k, v in one matrix, gate and up in one.

Every Hugging Face tensor has a `Place` in that storage, so that new weights are written where decoding reads them and
fingerprints are taken from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from or1_rollout.engines.transformers.places import Place, equal, held, write
from or1_rollout.engines.transformers.rotary import halves_of, head_dim_of
from or1_rollout.engines.transformers.steps import LayerWeights, ModelWeights
from or1_rollout.errors import WeightPushError
from or1_rollout.weight_sync.proof import Fingerprint, fingerprints

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


class FusedWeights:
    """All weights of one model, and their places by Hugging Face name."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        self.tied = bool(config.tie_word_embeddings)
        self._config, self._device, self._dtype = config, device, dtype
        embedding, norm = self._zeros(config.vocab_size, config.hidden_size), self._zeros(config.hidden_size)
        self.head = embedding if self.tied else self._zeros(config.vocab_size, config.hidden_size)
        eps = torch.tensor([config.rms_norm_eps], device=device, dtype=dtype)
        self.model = ModelWeights(embedding, norm, self.head, eps)
        self.stacked = self._stacked()
        """Every layer's weights behind each other: one axis more in front."""
        self.layers = [
            LayerWeights._make(None if of_all is None else of_all[index] for of_all in self.stacked)
            for index in range(config.num_hidden_layers)
        ]
        around = {EMBEDDING: embedding, "model.norm.weight": norm} | ({} if self.tied else {HEAD: self.head})
        self.places = {name: Place.whole(tensor) for name, tensor in around.items()}
        for index, layer in enumerate(self.layers):
            self.places |= self._layer_places(f"model.layers.{index}.", layer)

    @property
    def num_bytes(self) -> int:
        """Of all weights."""
        return sum(place.view.nbytes for place in self.places.values())

    def write(self, named: Iterable[tuple[str, Tensor]]) -> None:
        """Replace every weight; raises `WeightPushError` naming what is missing, unknown, or of another shape.

        A tied head may be sent or not; it must then be the embedding, which the proof of the push checks.
        """
        seen: set[str] = set()
        for values in held(named):
            if self.tied:
                values.pop(HEAD, None)
            write({name: self._place(name, value) for name, value in values.items()}, values)
            seen |= values.keys()
        if missing := sorted(self.places.keys() - seen):
            raise WeightPushError(f"{len(missing)} tensors were not pushed: {', '.join(missing[:5])}")

    def differing(self, named: Iterable[tuple[str, Tensor]]) -> list[str]:
        """Names of tensors whose values are not those of what decoding reads, and of those that are not named."""
        left = self.places | ({HEAD: Place.whole(self.head)} if self.tied else {})
        wrong: list[str] = []
        for values in held(named):
            found = {name: left.pop(name, None) for name in values}
            fits = {name: place for name, place in found.items() if place and place.shape == values[name].shape}
            same = equal(fits, {name: values[name] for name in fits})
            wrong += [name for name in values if name not in same]
        return wrong + [name for name in left if name in self.places]  # a tied head may be named or not

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """Of what decoding reads; the head too, which for tied models is the embedding's own storage."""
        found = {name: place.read() for name, place in self.places.items()}
        return fingerprints(found | {HEAD: self.head} if self.tied else found)

    def _place(self, name: str, value: Tensor) -> Place:
        place = self.places.get(name)
        if place is None or place.shape != value.shape:
            shape = "no such tensor" if place is None else f"shape {place.shape}"
            raise WeightPushError(
                f"{name} of shape {tuple(value.shape)} does not fit the engine's model: {shape} there"
            )
        return place

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, device=self._device, dtype=self._dtype)

    def _stacked(self) -> LayerWeights:
        config, dim = self._config, head_dim_of(self._config)
        layers, hidden, width = config.num_hidden_layers, config.hidden_size, config.intermediate_size
        queries = config.num_attention_heads * dim
        mixed = queries + 2 * config.num_key_value_heads * dim
        has_norms = config.model_type == "qwen3"
        has_bias = config.model_type == "qwen2" or bool(getattr(config, "attention_bias", False))

        def turned(rows: int, columns: int) -> Tensor:
            # x @ weight.T of a few rows is faster where weight.T is what lies in memory: 30 us instead of 57 for
            # 32 rows, 512 in and 128 out (one core of a Xeon, MKL, 2026-11-28)
            return self._zeros(layers, columns, rows).transpose(1, 2)

        return LayerWeights(
            input_norm=self._zeros(layers, hidden),
            qkv=turned(mixed, hidden),
            qkv_bias=self._zeros(layers, mixed) if has_bias else None,
            q_norm=self._zeros(layers, dim) if has_norms else None,
            k_norm=self._zeros(layers, dim) if has_norms else None,
            out=turned(hidden, queries),
            mlp_norm=self._zeros(layers, hidden),
            gate_up=turned(2 * width, hidden),
            down=turned(hidden, width),
        )

    def _layer_places(self, prefix: str, layer: LayerWeights) -> dict[str, Place]:
        attention, mlp, width = prefix + "self_attn.", prefix + "mlp.", self._config.intermediate_size
        places = {
            prefix + "input_layernorm.weight": Place.whole(layer.input_norm),
            attention + "o_proj.weight": Place.whole(layer.out),
            prefix + "post_attention_layernorm.weight": Place.whole(layer.mlp_norm),
            mlp + "gate_proj.weight": Place(layer.gate_up[:width], (width, layer.gate_up.shape[1])),
            mlp + "up_proj.weight": Place(layer.gate_up[width:], (width, layer.gate_up.shape[1])),
            mlp + "down_proj.weight": Place.whole(layer.down),
        }
        places |= self._qkv_places(attention, "weight", layer.qkv)
        if layer.qkv_bias is not None:
            places |= self._qkv_places(attention, "bias", layer.qkv_bias)
        for name, norm in (("q_norm", layer.q_norm), ("k_norm", layer.k_norm)):
            if norm is not None:
                places[f"{attention}{name}.weight"] = Place(halves_of(norm, 0), tuple(norm.shape))
        return places

    def _qkv_places(self, prefix: str, kind: str, fused: Tensor) -> dict[str, Place]:
        """Of every key/value head its queries, its key and its value, so that one slice holds what is rotated."""
        dim, columns = head_dim_of(self._config), fused.shape[1:]
        heads = fused.unflatten(0, (self._config.num_key_value_heads, -1, dim))  # [g, R + 2, D, ...]
        q_rows, kv_rows = self._config.num_attention_heads * dim, heads.shape[0] * dim
        turned = halves_of(heads, 2)
        return {
            f"{prefix}q_proj.{kind}": Place(turned[:, :-2], (q_rows, *columns)),
            f"{prefix}k_proj.{kind}": Place(turned[:, -2], (kv_rows, *columns)),
            f"{prefix}v_proj.{kind}": Place(heads[:, -1], (kv_rows, *columns)),
        }
