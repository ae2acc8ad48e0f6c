"""Decoding for Qwen2, Qwen3 and Llama with as few operations as the architecture allows (see `steps`).

Axes: N rows, P prompts (or pairs of a head), L columns of the cache, g key/value heads, R query heads of each, D head
size, H hidden, V vocabulary. Prompts are padded on the left, so that all rows write the same column of the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from or1_rollout.engines.transformers.compiled.weights import compiled_weights
from or1_rollout.engines.transformers.fused_decoding import (
    Batch,
    BlockDecoder,
    FusedDecoding,
    with_compiled,
    with_torch,
)
from or1_rollout.engines.transformers.rotary import head_dim_of, rotation_table
from or1_rollout.engines.transformers.steps import Shape, prefill, whole_logits
from or1_rollout.engines.transformers.weights import FusedWeights
from or1_rollout.mkl import HAS_MKL
from or1_rollout.products import TOKENS, goes_to_onednn
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
        is_compiled = self.takes_lanes and dtype == torch.float32 and HAS_MKL
        self._widest = weights.layers[0].gate_up
        self._with_torch = with_torch(weights.model, weights.layers)
        self._with_compiled = with_compiled(compiled_weights(weights)) if is_compiled else None

    def start(self, prompts: Sequence[Sequence[int]], repeats: Sequence[int], params: SamplingParams) -> FusedDecoding:
        """See `Decoder.start`."""
        longest = max(len(prompt) for prompt in prompts)
        pads_P = torch.tensor([longest - len(prompt) for prompt in prompts])
        ids_PL = torch.tensor([[0] * (longest - len(p)) + list(p) for p in prompts])
        column_L = torch.arange(longest)
        positions_PL = (column_L[None] - pads_P[:, None]).clamp_(min=0)
        prompt_N = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(repeats)).to(self.device)
        logits_NV, keys, values = prefill(
            self.weights.model,
            self.weights.layers,
            ids_PL.to(self.device),
            self.rotation[positions_PL.to(self.device)][:, :, None],
            self._prefill_mask(column_L, pads_P) if bool(pads_P.any()) else None,
            prompt_N,
            longest + params.max_new_tokens,
            self.shape,
        )
        shape = self.shape._replace(
            temperature=float(params.temperature), top_p=float(params.top_p), top_k=params.top_k
        )
        batch = Batch(longest, pads_P.to(self.device)[prompt_N], logits_NV, keys, values)
        return FusedDecoding(batch, self.rotation[:, 0], shape, self._way(len(prompt_N), params))

    def _way(self, rows: int, params: SamplingParams) -> BlockDecoder:
        """Compiled where that is possible and torch's products are not the faster ones."""
        draws_from_all = params.top_p >= 1 and params.top_k <= 0
        if self._with_compiled is None or not draws_from_all or goes_to_onednn(rows, self._widest):
            return self._with_torch
        return self._with_compiled

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
