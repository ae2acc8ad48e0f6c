"""Decoding of any causal model through its own `transformers` forward pass and cache.

For models that `CachedDecoder`, our own decoding of Qwen2, Qwen3 and Llama, does not take. Axes: N rows, P prompts, L
positions, T tokens of a response, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from or1_rollout.engines.transformers.kept_turns import Prefix


class ForwardDecoder:
    """Decodes with an unchanged `PreTrainedModel`. Fits the protocol `Decoder`."""

    is_continuous = False

    def __init__(self, model: Any) -> None:
        self.model, self.device = model.eval(), model.device
        self.named: dict[str, Tensor] = dict(model.state_dict())

    def new_batch(self, max_new_tokens: int) -> ForwardBatch:
        """See `Decoder.new_batch`."""
        return ForwardBatch(self.model)

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        ids_1L = torch.tensor([[*prompt_ids, *response_ids]], device=self.device)
        logits: Tensor = self.model(input_ids=ids_1L).logits[0, len(prompt_ids) - 1 : -1]
        return logits


class ForwardBatch:
    """A batch in decoding, prompts padded on the left. Fits the protocol `Batch`, but `admit` is called once only."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._cache = DynamicCache(config=model.config)
        self._mask_NL = torch.zeros(0, 0, dtype=torch.int64)
        self._logits_NV = torch.zeros(0, 0)

    def admit(self, prompts: Sequence[Sequence[int]], counts: Sequence[int], prefixes: Sequence[Prefix | None]) -> None:
        """Compute every prompt and make `counts[p]` rows that continue it; `prefixes` are ignored."""
        longest, device = max(map(len, prompts)), self._model.device
        ids_PL = torch.tensor([[0] * (longest - len(p)) + list(p) for p in prompts], device=device)
        mask_PL = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
        logits_PV = self._forward(ids_PL, mask_PL, (mask_PL.cumsum(1) - 1).clamp(min=0))
        rows = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(counts)).to(device)
        self._cache.batch_select_indices(rows)
        self._mask_NL, self._logits_NV = mask_PL[rows], logits_PV[rows]

    def next_logits(self) -> Tensor:
        """See `Batch.next_logits`."""
        return self._logits_NV

    def keep(self, rows: Sequence[int]) -> None:
        """See `Batch.keep`."""
        index = torch.tensor(rows, device=self._model.device)
        self._cache.batch_select_indices(index)
        self._mask_NL, self._logits_NV = self._mask_NL[index], self._logits_NV[index]

    def advance(self, tokens: Sequence[int]) -> None:
        """See `Batch.advance`."""
        self._mask_NL = torch.cat([self._mask_NL, torch.ones_like(self._mask_NL[:, :1])], dim=1)
        ids_N1 = torch.tensor(tokens, device=self._model.device)[:, None]
        self._logits_NV = self._forward(ids_N1, self._mask_NL, self._mask_NL.sum(1, keepdim=True) - 1)

    def prefix(self, row: int, token_ids: Sequence[int]) -> Prefix:
        """Raise: caches differ too much between models to take the keys and values of one row out."""
        raise NotImplementedError("ForwardDecoder.is_continuous is False")

    def _forward(self, ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        out = self._model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=self._cache, use_cache=True
        )
        logits: Tensor = out.logits[:, -1]
        return logits
