"""Decoding for Qwen2, Qwen3 and Llama with as few operations as the architecture allows (see `steps`).

Axes: N rows, P prompts (or pairs of a head), L columns of the cache, g key/value heads, R query heads of each, D head
size, H hidden, V vocabulary. Prompts are padded on the left, so that all rows write the same column of the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.embedded.rotary import head_dim_of, rotation_table
from or1_rollout.embedded.steps import Shape, decode_block, mlp_input, project, split_heads
from or1_rollout.embedded.weights import FusedWeights
from or1_rollout.products import linear
from or1_rollout.types import SamplingParams

LANE_BYTES = 2**25
"""Weights up to which lanes pay: every lane reads all of them at every step, from the cache that the cores share."""


class FusedDecoder:
    """A model of one of the three families over `FusedWeights`."""

    def __init__(self, config: Any, weights: FusedWeights, device: torch.device, dtype: torch.dtype) -> None:
        self.weights, self.device, self.dtype = weights, device, dtype
        self.shape = Shape(
            groups=config.num_key_value_heads,
            queries=config.num_attention_heads // config.num_key_value_heads,
            head_dim=head_dim_of(config),
            temperature=1.0,
            top_p=1.0,
            top_k=0,
        )
        self.takes_lanes = device.type == "cpu" and weights.num_bytes <= LANE_BYTES
        self.rotation = rotation_table(config, config.max_position_embeddings, device, dtype)

    def start(self, prompts: Sequence[Sequence[int]], repeats: Sequence[int], params: SamplingParams) -> FusedDecoding:
        """See `Decoder.start`."""
        longest = max(len(prompt) for prompt in prompts)
        pads_P = torch.tensor([longest - len(prompt) for prompt in prompts])
        ids_PL = torch.tensor([[0] * (longest - len(p)) + list(p) for p in prompts])
        keys: list[Tensor] = []
        values: list[Tensor] = []
        last_PH = self._run(ids_PL.to(self.device), pads_P, keys, values)[:, -1]
        rows = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(repeats)).to(self.device)
        logits_NV = project(self.weights.model, last_PH)[rows]
        decoding = FusedDecoding(self, longest, pads_P.to(self.device)[rows], logits_NV, params)
        decoding.fill([key[rows] for key in keys], [value[rows] for value in values])
        return decoding

    def logits(self, token_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        ids_1L = torch.tensor([list(token_ids)], device=self.device)
        hidden_1LH = self._run(ids_1L, torch.zeros(1, dtype=torch.int64), [], [])
        return project(self.weights.model, hidden_1LH[0])

    def _run(self, ids_PL: Tensor, pads_P: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        """Hidden states of whole sequences before the final norm.

        Appends every layer's keys and values, [P, g, L, D].
        """
        column_L = torch.arange(ids_PL.shape[1])
        positions_PL = (column_L[None] - pads_P[:, None]).clamp(min=0)
        rotation = self.rotation[positions_PL.to(self.device)][:, :, None]
        mask = None if not bool(pads_P.any()) else self._prefill_mask(column_L, pads_P)
        model = self.weights.model
        hidden = F.embedding(ids_PL, model.embedding)
        for layer in self.weights.layers:
            query, key, value = split_heads(layer, hidden, model.eps, rotation, self.shape)
            keys.append(key.squeeze(3).transpose(1, 2))
            values.append(value.squeeze(3).transpose(1, 2))
            mixed = F.scaled_dot_product_attention(
                query.flatten(2, 3).transpose(1, 2),
                keys[-1],
                values[-1],
                attn_mask=mask,
                is_causal=mask is None,
                enable_gqa=True,
            )
            hidden = hidden + linear(mixed.transpose(1, 2).flatten(2), layer.out)
            hidden = hidden + linear(mlp_input(layer, hidden, model.eps), layer.down)
        return hidden

    def _prefill_mask(self, column_L: Tensor, pads_P: Tensor) -> Tensor:
        """[P, 1, L, L]: causal, without padding keys; a padding query sees itself, so that no row is empty."""
        causal_LL = column_L[:, None] >= column_L[None]
        real_P1L = (column_L[None] >= pads_P[:, None])[:, None]
        return ((causal_LL[None] & real_P1L) | torch.eye(len(column_L), dtype=torch.bool)).unsqueeze(1).to(self.device)


class FusedDecoding:
    """One batch in flight over preallocated caches: keys [N * g, D, L] and values [N * g, L, D] per layer."""

    def __init__(
        self, decoder: FusedDecoder, used: int, pads_N: Tensor, logits_NV: Tensor, params: SamplingParams
    ) -> None:
        self._decoder, self._used, self._pads_N, self._logits_NV = decoder, used, pads_N, logits_NV
        self._capacity = used + params.max_new_tokens
        self._shape = decoder.shape._replace(
            temperature=float(params.temperature), top_p=float(params.top_p), top_k=params.top_k
        )
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._bias = self._padding_bias()

    def fill(self, keys: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        """Begin with every layer's keys and values of the columns in use, [N, g, L, D]."""
        groups, dim = self._shape.groups, self._shape.head_dim
        wide = len(self._pads_N) * groups
        device, dtype = self._decoder.device, self._decoder.dtype
        self._keys = [torch.empty((wide, dim, self._capacity), device=device, dtype=dtype) for _ in keys]
        self._values = [torch.empty((wide, self._capacity, dim), device=device, dtype=dtype) for _ in values]
        for cache, old in zip(self._keys, keys, strict=True):
            cache[:, :, : self._used] = old.flatten(0, 1).transpose(1, 2)
        for cache, old in zip(self._values, values, strict=True):
            cache[:, : self._used] = old.flatten(0, 1)

    def draw(self, uniform_NT: Tensor) -> tuple[Tensor, Tensor]:
        """See `Decoding.draw`."""
        block = min(uniform_NT.shape[1], self._capacity - self._used - 1)  # nothing follows the very last token
        places = torch.arange(self._used, self._used + block, device=self._pads_N.device)
        rotation_NT11P = self._decoder.rotation[places[None] - self._pads_N[:, None]][:, :, None]
        weights = self._decoder.weights
        tokens_NT, logprobs_NT, self._logits_NV = decode_block(
            weights.model,
            weights.layers,
            (self._keys, self._values, self._bias),
            self._used,
            self._logits_NV,
            uniform_NT,
            rotation_NT11P,
            self._shape,
        )
        self._used += block
        return tokens_NT, logprobs_NT

    def keep(self, rows: Tensor) -> None:
        """See `Decoding.keep`; only the columns in use are moved."""
        self._pads_N, self._logits_NV = self._pads_N[rows], self._logits_NV[rows]
        self._bias = self._padding_bias()
        apart = (-1, self._shape.groups)
        keys = [cache[:, :, : self._used].unflatten(0, apart)[rows].transpose(2, 3) for cache in self._keys]
        self.fill(keys, [cache[:, : self._used].unflatten(0, apart)[rows] for cache in self._values])

    def _padding_bias(self) -> Tensor | None:
        """[N * g, 1, L]: -inf at padding; None where there is none."""
        if not bool(self._pads_N.any()):
            return None
        columns = torch.arange(self._capacity, device=self._pads_N.device)
        bias_NL = torch.zeros((len(self._pads_N), self._capacity), device=columns.device, dtype=self._decoder.dtype)
        bias_NL.masked_fill_(columns[None] < self._pads_N[:, None], float("-inf"))
        return bias_NL.repeat_interleave(self._shape.groups, 0)[:, None]
