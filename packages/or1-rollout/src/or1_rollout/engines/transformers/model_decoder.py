"""Decoding any other causal model through its own `transformers` forward pass and cache.

Axes: N rows, P prompts, L positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from or1_rollout.engines.transformers.sampling import sample
from or1_rollout.errors import WeightPushError
from or1_rollout.types import SamplingParams
from or1_rollout.weight_sync.proof import Fingerprint, fingerprints


class ModelDecoder:
    """A `PreTrainedModel`, as it is."""

    takes_lanes = False  # its forward pass is Python for the most part

    def __init__(self, model: Any) -> None:
        self.model, self.device = model.eval(), model.device

    def start(self, prompts: Sequence[Sequence[int]], repeats: Sequence[int], params: SamplingParams) -> ModelDecoding:
        """See `Decoder.start`."""
        longest, device = max(len(prompt) for prompt in prompts), self.device
        ids_PL = torch.tensor([[0] * (longest - len(p)) + list(p) for p in prompts], device=device)
        mask_PL = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
        positions_PL = (mask_PL.cumsum(1) - 1).clamp(min=0)
        cache = DynamicCache(config=self.model.config)
        out = self.model(
            input_ids=ids_PL, attention_mask=mask_PL, position_ids=positions_PL, past_key_values=cache, use_cache=True
        )
        rows = torch.repeat_interleave(torch.arange(len(prompts)), torch.tensor(repeats)).to(device)
        cache.batch_select_indices(rows)
        return ModelDecoding(self.model, cache, mask_PL[rows], _wide(out.logits[:, -1])[rows], params)

    def logits(self, token_ids: Sequence[int]) -> Tensor:
        """See `Decoder.logits`."""
        return _wide(self.model(input_ids=torch.tensor([list(token_ids)], device=self.model.device)).logits[0])

    def write(self, named: Iterable[tuple[str, Tensor]]) -> None:
        """Replace every weight; raises `WeightPushError` naming what is missing or unknown."""
        own = dict(self.model.state_dict(keep_vars=True))
        storage = {name: tensor.data_ptr() for name, tensor in own.items()}
        written: set[int] = set()
        for name, value in named:
            if name not in own or own[name].shape != value.shape:
                raise WeightPushError(f"{name} of shape {tuple(value.shape)} does not fit the engine's model")
            own[name].data.copy_(value)
            written.add(storage[name])
        if missing := sorted(name for name in own if storage[name] not in written):
            raise WeightPushError(f"{len(missing)} tensors were not pushed: {', '.join(missing[:5])}")

    def differing(self, named: Iterable[tuple[str, Tensor]]) -> list[str]:
        """Names of tensors that the model holds in other values; of several names of one tensor any will do."""
        own = dict(self.model.state_dict())
        seen: set[int] = set()
        wrong = []
        for name, value in named:
            if name not in own or not torch.equal(own[name], value.to(own[name])):
                wrong.append(name)
            else:
                seen.add(own[name].data_ptr())
        return wrong + [name for name, tensor in own.items() if name not in wrong and tensor.data_ptr() not in seen]

    def fingerprints(self) -> Mapping[str, Fingerprint]:
        """Of the model's own tensors."""
        return fingerprints(self.model.state_dict())


class ModelDecoding:
    """One batch in flight."""

    def __init__(
        self, model: Any, cache: DynamicCache, mask_NL: Tensor, logits_NV: Tensor, params: SamplingParams
    ) -> None:
        self._model, self._cache, self._mask_NL, self._logits_NV = model, cache, mask_NL, logits_NV
        self._params, self._left = params, params.max_new_tokens

    def draw(self, uniform_NT: Tensor) -> tuple[Tensor, Tensor]:
        """See `Decoding.draw`."""
        params, tokens, logprobs = self._params, [], []
        for uniform_N in uniform_NT.unbind(1):
            token_N, logprob_N = sample(
                self._logits_NV, uniform_N, float(params.temperature), float(params.top_p), params.top_k
            )
            tokens.append(token_N)
            logprobs.append(logprob_N)
            self._left -= 1
            if self._left:  # nothing follows the very last token
                self._logits_NV = self._step(token_N)
        return torch.stack(tokens, 1), torch.stack(logprobs, 1)

    def _step(self, tokens_N: Tensor) -> Tensor:
        """Append one token to every row; logits of the next [N, V]."""
        self._mask_NL = torch.cat([self._mask_NL, torch.ones_like(self._mask_NL[:, :1])], dim=1)
        positions_N1 = self._mask_NL.sum(1, keepdim=True) - 1
        out = self._model(
            input_ids=tokens_N[:, None],
            attention_mask=self._mask_NL,
            position_ids=positions_N1,
            past_key_values=self._cache,
            use_cache=True,
        )
        return _wide(out.logits[:, -1])

    def keep(self, rows: Tensor) -> None:
        """See `Decoding.keep`."""
        self._cache.batch_select_indices(rows)
        self._mask_NL, self._logits_NV = self._mask_NL[rows], self._logits_NV[rows]


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
