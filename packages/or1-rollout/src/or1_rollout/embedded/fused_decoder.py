"""Decoding for Qwen2, Qwen3 and Llama with as few operations as the architecture allows (see `steps`).

Axes: N rows, P prompts (or pairs of a head), L columns of the cache, g key/value heads, R query heads of each, D head
size, H hidden, V vocabulary. Prompts are padded on the left, so that all rows write the same column of the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from or1_rollout.embedded.rotary import head_dim_of, rotation_table
from or1_rollout.embedded.steps import Cache, Shape, decode_block, prefill, whole_logits
from or1_rollout.embedded.weights import FusedWeights
from or1_rollout.products import TOKENS
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
        column_L = torch.arange(longest)
        positions_PL = (column_L[None] - pads_P[:, None]).clamp_(min=0)
        prompt_N = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(repeats)).to(self.device)
        logits_NV, keys_values = prefill(
            self.weights.model,
            self.weights.layers,
            ids_PL.to(self.device),
            self.rotation[positions_PL.to(self.device)][:, :, None],
            self._prefill_mask(column_L, pads_P) if bool(pads_P.any()) else None,
            prompt_N,
            longest + params.max_new_tokens,
            self.shape,
        )
        return FusedDecoding(self, longest, pads_P.to(self.device)[prompt_N], logits_NV, keys_values, params)

    def logits(self, token_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        padding = min(
            -len(token_ids) % TOKENS, len(self.rotation) - len(token_ids)
        )  # behind the rest, which never sees it
        ids_1L = torch.tensor([[*token_ids, *[0] * padding]], device=self.device)
        rotation = self.rotation[: ids_1L.shape[1]][None, :, None]
        whole = whole_logits(self.weights.model, self.weights.layers, ids_1L, rotation, self.shape)
        return whole[: len(token_ids)]

    def _prefill_mask(self, column_L: Tensor, pads_P: Tensor) -> Tensor:
        """[P, 1, L, L]: causal, without padding keys; a padding query sees itself, so that no row is empty."""
        causal_LL = column_L[:, None] >= column_L[None]
        real_P1L = (column_L[None] >= pads_P[:, None])[:, None]
        return ((causal_LL[None] & real_P1L) | torch.eye(len(column_L), dtype=torch.bool)).unsqueeze(1).to(self.device)


class FusedDecoding:
    """One batch in flight over preallocated keys and values."""

    def __init__(
        self,
        decoder: FusedDecoder,
        used: int,
        pads_N: Tensor,
        logits_NV: Tensor,
        keys_values: list[Tensor],
        params: SamplingParams,
    ) -> None:
        self._decoder, self._used, self._pads_N, self._logits_NV = decoder, used, pads_N, logits_NV
        self._keys_values, self._capacity = keys_values, keys_values[0].shape[2]
        self._shape = decoder.shape._replace(
            temperature=float(params.temperature), top_p=float(params.top_p), top_k=params.top_k
        )
        self._bias = self._padding_bias()

    def draw(self, uniform_NT: Tensor) -> tuple[Tensor, Tensor]:
        """See `Decoding.draw`."""
        block = min(uniform_NT.shape[1], self._capacity - self._used - 1)  # nothing follows the very last token
        places = torch.arange(self._used, self._used + block, device=self._pads_N.device)
        rotation_NT11P = self._decoder.rotation[places[None] - self._pads_N[:, None]][:, :, None]
        weights = self._decoder.weights
        tokens_NT, logprobs_NT, self._logits_NV = decode_block(
            weights.model,
            weights.layers,
            Cache(self._keys_values, self._bias),
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
        self._keys_values = [self._kept(cache, rows) for cache in self._keys_values]

    def _kept(self, cache: Tensor, rows: Tensor) -> Tensor:
        used = cache.unflatten(0, (-1, self._shape.groups))[:, :, :, : self._used]
        kept = cache.new_empty((len(rows) * self._shape.groups, *cache.shape[1:]))
        kept[:, :, : self._used] = used[rows].flatten(0, 1)
        return kept

    def _padding_bias(self) -> Tensor | None:
        """[N * g, 1, L]: -inf at padding; None where there is none."""
        if not bool(self._pads_N.any()):
            return None
        columns = torch.arange(self._capacity, device=self._pads_N.device)
        bias_NL = torch.zeros((len(self._pads_N), self._capacity), device=columns.device, dtype=self._decoder.dtype)
        bias_NL.masked_fill_(columns[None] < self._pads_N[:, None], float("-inf"))
        return bias_NL.repeat_interleave(self._shape.groups, 0)[:, None]
