"""Decoding for Qwen2, Qwen3 and Llama with as few operations as the architecture allows.

At a million parameters a decoding step costs what its operations cost to call, not what they compute: 12 per layer
here,
about 40 in the model's own forward pass.

Axes: N rows, P prompts, L columns of the cache, h query heads, g key/value heads, D head size, H hidden, V vocabulary.
Prompts are padded on the left, so that all rows write the same column of the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.embedded.rotary import head_dim_of, rotate, rotation_table
from or1_rollout.embedded.weights import FusedWeights, LayerWeights


class FusedDecoder:
    """A model of one of the three families over `FusedWeights`."""

    def __init__(self, config: Any, weights: FusedWeights, device: torch.device, dtype: torch.dtype) -> None:
        self.config, self.weights, self.device, self.dtype = config, weights, device, dtype
        self.heads, self.kv_heads, self.head_dim = (
            config.num_attention_heads,
            config.num_key_value_heads,
            head_dim_of(config),
        )
        self._rotation = rotation_table(config, config.max_position_embeddings, device, dtype)

    def start(
        self, prompts: Sequence[Sequence[int]], repeats: Sequence[int], max_new_tokens: int
    ) -> tuple[FusedDecoding, Tensor]:
        """See `Decoder.start`."""
        longest = max(len(prompt) for prompt in prompts)
        pads = torch.tensor([longest - len(prompt) for prompt in prompts])
        ids_PL = torch.tensor([[0] * (longest - len(p)) + list(p) for p in prompts])
        keys, values, hidden_PH = self._prefill(ids_PL.to(self.device), pads)
        rows = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(repeats)).to(self.device)
        decoding = FusedDecoding(self, longest, longest + max_new_tokens, pads.to(self.device)[rows])
        for index, (key_PgLD, value_PgLD) in enumerate(zip(keys, values, strict=True)):
            decoding.keys[index][:, :, :longest] = key_PgLD[rows]
            decoding.values[index][:, :, :longest] = value_PgLD[rows]
        return decoding, self.project(hidden_PH)[rows]

    def logits(self, token_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        ids_1L = torch.tensor([list(token_ids)], device=self.device)
        return self.project(self._run(ids_1L, torch.zeros(1, dtype=torch.int64), [], [])[0])

    def project(self, hidden: Tensor) -> Tensor:
        """Final norm and output head; logits in at least float32."""
        normed = F.rms_norm(hidden, (hidden.shape[-1],), self.weights.norm, self.config.rms_norm_eps)
        logits = F.linear(normed, self.weights.head)
        return logits if logits.dtype == torch.float64 else logits.float()

    def _prefill(self, ids_PL: Tensor, pads_P: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        keys: list[Tensor] = []
        values: list[Tensor] = []
        hidden_PLH = self._run(ids_PL, pads_P, keys, values)
        return keys, values, hidden_PLH[:, -1]

    def _run(self, ids_PL: Tensor, pads_P: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        """Hidden states of whole sequences before the final norm; appends every layer's keys and values."""
        column_L = torch.arange(ids_PL.shape[1])
        positions_PL = (column_L[None] - pads_P[:, None]).clamp(min=0)
        rotation = self._rotation[positions_PL.to(self.device)]
        mask = None if not bool(pads_P.any()) else self._prefill_mask(column_L, pads_P)
        hidden = F.embedding(ids_PL, self.weights.embedding)
        for layer in self.weights.layers:
            query, key, value = self._qkv(layer, hidden, rotation)
            keys.append(key)
            values.append(value)
            mixed = F.scaled_dot_product_attention(
                query, key, value, attn_mask=mask, is_causal=mask is None, enable_gqa=True
            )
            hidden = hidden + F.linear(mixed.transpose(1, 2).flatten(2), layer.out)
            hidden = hidden + self._mlp(layer, hidden)
        return hidden

    def _prefill_mask(self, column_L: Tensor, pads_P: Tensor) -> Tensor:
        """[P, 1, L, L]: causal, without padding keys; a padding query sees itself, so that no row is empty."""
        causal_LL = column_L[:, None] >= column_L[None]
        real_P1L = (column_L[None] >= pads_P[:, None])[:, None]
        return ((causal_LL[None] & real_P1L) | torch.eye(len(column_L), dtype=torch.bool)).unsqueeze(1).to(self.device)

    def _qkv(self, layer: LayerWeights, hidden_PLH: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries [P, h, L, D] and keys, and values [P, g, L, D]."""
        normed = F.rms_norm(hidden_PLH, (hidden_PLH.shape[-1],), layer.input_norm, self.config.rms_norm_eps)
        heads = F.linear(normed, layer.qkv, layer.qkv_bias).unflatten(-1, (-1, self.head_dim))
        turned, value = self.rotate_heads(layer, heads, rotation)
        query, key = turned.split([self.heads, self.kv_heads], dim=-2)
        return query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)

    def rotate_heads(self, layer: LayerWeights, heads: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys normed (Qwen3) and rotated, and values; heads on the last axis but one."""
        turning, value = heads.split([self.heads + self.kv_heads, self.kv_heads], dim=-2)
        if layer.q_norm is not None and layer.k_norm is not None:
            eps = self.config.rms_norm_eps
            query, key = turning.split([self.heads, self.kv_heads], dim=-2)
            query = F.rms_norm(query, (self.head_dim,), layer.q_norm, eps)
            turning = torch.cat([query, F.rms_norm(key, (self.head_dim,), layer.k_norm, eps)], dim=-2)
        return rotate(turning, rotation), value

    def _mlp(self, layer: LayerWeights, hidden: Tensor) -> Tensor:
        normed = F.rms_norm(hidden, (hidden.shape[-1],), layer.mlp_norm, self.config.rms_norm_eps)
        gate, up = F.linear(normed, layer.gate_up).chunk(2, dim=-1)
        return F.linear(F.silu(gate) * up, layer.down)


@dataclass(slots=True)
class _Columns:
    """Where the next token goes, and which columns each row may look at."""

    used: int
    pads_N: Tensor
    mask_N11L: Tensor | None


class FusedDecoding:
    """One batch in flight over a preallocated cache, [N, g, L, D] per layer."""

    def __init__(self, decoder: FusedDecoder, used: int, capacity: int, pads_N: Tensor) -> None:
        self._decoder = decoder
        shape = (len(pads_N), decoder.kv_heads, capacity, decoder.head_dim)
        layers = range(len(decoder.weights.layers))
        self.keys = [torch.empty(shape, device=decoder.device, dtype=decoder.dtype) for _ in layers]
        self.values = [torch.empty(shape, device=decoder.device, dtype=decoder.dtype) for _ in layers]
        self._columns = _Columns(used, pads_N, self._mask(pads_N, capacity))

    @staticmethod
    def _mask(pads_N: Tensor, capacity: int) -> Tensor | None:
        """None where nothing is padded."""
        if not bool(pads_N.any()):
            return None
        return (torch.arange(capacity, device=pads_N.device)[None] >= pads_N[:, None])[:, None, None]

    def step(self, tokens_N: Tensor) -> Tensor:
        """See `Decoding.step`."""
        decoder, columns = self._decoder, self._columns
        hidden_NH = F.embedding(tokens_N, decoder.weights.embedding)
        rotation_N1P = decoder._rotation[columns.used - columns.pads_N]
        stop = columns.used + 1
        mask = None if columns.mask_N11L is None else columns.mask_N11L[..., :stop]
        for layer, keys, values in zip(decoder.weights.layers, self.keys, self.values, strict=True):
            hidden_NH = self._attend(layer, hidden_NH, rotation_N1P, keys, values, mask)
            normed = F.rms_norm(hidden_NH, (hidden_NH.shape[-1],), layer.mlp_norm, decoder.config.rms_norm_eps)
            gate, up = F.linear(normed, layer.gate_up).chunk(2, dim=-1)
            hidden_NH = torch.addmm(hidden_NH, F.silu(gate).mul_(up), layer.down.t())
        columns.used = stop
        return decoder.project(hidden_NH)

    def _attend(
        self,
        layer: LayerWeights,
        hidden_NH: Tensor,
        rotation: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor | None,
    ) -> Tensor:
        """Self-attention of one new token per row, residual added.

        The query heads that share a key head stand on the length axis of the attention: one new token needs no causal
        mask, so grouped-query attention is then plain attention.
        """
        decoder, column = self._decoder, self._columns.used
        normed = F.rms_norm(hidden_NH, (hidden_NH.shape[-1],), layer.input_norm, decoder.config.rms_norm_eps)
        heads_NhD = F.linear(normed, layer.qkv, layer.qkv_bias).unflatten(-1, (-1, decoder.head_dim))
        turned, value = decoder.rotate_heads(layer, heads_NhD, rotation)
        query, key = turned.split([decoder.heads, decoder.kv_heads], dim=-2)
        keys[:, :, column] = key
        values[:, :, column] = value
        mixed = F.scaled_dot_product_attention(
            query.unflatten(1, (decoder.kv_heads, -1)),
            keys[:, :, : column + 1],
            values[:, :, : column + 1],
            attn_mask=mask,
        )
        return torch.addmm(hidden_NH, mixed.flatten(1), layer.out.t())

    def keep(self, rows: Tensor) -> None:
        """See `Decoding.keep`; only the columns in use are moved."""
        columns = self._columns
        for cache in (self.keys, self.values):
            for index, whole in enumerate(cache):
                smaller = torch.empty((len(rows), *whole.shape[1:]), device=whole.device, dtype=whole.dtype)
                smaller[:, :, : columns.used] = whole[rows, :, : columns.used]
                cache[index] = smaller
        columns.pads_N = columns.pads_N[rows]
        columns.mask_N11L = self._mask(columns.pads_N, self.keys[0].shape[2])
