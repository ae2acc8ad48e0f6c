"""Sequences -> packed micro-batches under a token budget, balanced over the data-parallel ranks.

Axes: B sequences of one micro-batch, T tokens of all of them behind each other, M its response tokens.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One prompt with one response, ready to be trained on."""

    prompt_ids: Sequence[int]
    response_ids: Sequence[int]
    advantage: float
    engine_logprobs: Sequence[float] | None = None

    @property
    def num_tokens(self) -> int:
        """Prompt and response together."""
        return len(self.prompt_ids) + len(self.response_ids)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedBatch:
    """One micro-batch in `thd` layout.

    `labels_T[t]` is the token at t + 1 of the same sequence, `loss_mask_T[t]` says that this label is a response token.
    """

    token_ids_T: Tensor
    positions_T: Tensor
    cu_seqlens_B1: Tensor
    max_seqlen: int
    labels_T: Tensor
    loss_mask_T: Tensor
    advantages_M: Tensor
    engine_logprobs_M: Tensor | None
    sequence_M: Tensor
    """Which sequence of this micro-batch each response token belongs to."""
    lengths_B: Tensor
    """Response tokens of each sequence."""

    @property
    def num_response_tokens(self) -> int:
        """M."""
        return int(self.advantages_M.numel())


def pack(
    samples: Sequence[Sample], *, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> PackedBatch:
    """Lay samples behind each other; no padding at all."""
    lengths = np.array([sample.num_tokens for sample in samples])
    cu_seqlens = np.concatenate([[0], np.cumsum(lengths)])
    token_ids = np.concatenate([np.asarray([*s.prompt_ids, *s.response_ids], dtype=np.int64) for s in samples])
    positions = np.concatenate([np.arange(length) for length in lengths])
    labels = np.roll(token_ids, -1)
    labels[cu_seqlens[1:] - 1] = 0
    loss_mask = np.zeros(len(token_ids), dtype=bool)
    for sample, end in zip(samples, cu_seqlens[1:], strict=True):
        loss_mask[end - 1 - len(sample.response_ids) : end - 1] = True
    response_lengths = [len(s.response_ids) for s in samples]
    advantages = np.repeat([s.advantage for s in samples], response_lengths)

    def tensor(array: np.ndarray, kind: torch.dtype) -> Tensor:
        return torch.as_tensor(array).to(device=device, dtype=kind)

    return PackedBatch(
        token_ids_T=tensor(token_ids, torch.int64),
        positions_T=tensor(positions, torch.int64),
        cu_seqlens_B1=tensor(cu_seqlens, torch.int32),
        max_seqlen=int(lengths.max()),
        labels_T=tensor(labels, torch.int64),
        loss_mask_T=tensor(loss_mask, torch.bool),
        advantages_M=tensor(advantages, dtype),
        engine_logprobs_M=_engine_logprobs(samples, device, dtype),
        sequence_M=tensor(np.repeat(np.arange(len(samples)), response_lengths), torch.int64),
        lengths_B=tensor(np.array(response_lengths), torch.int64),
    )


def _engine_logprobs(samples: Sequence[Sample], device: torch.device | None, dtype: torch.dtype) -> Tensor | None:
    flat: list[float] = []
    for sample in samples:
        if sample.engine_logprobs is None:
            return None
        flat.extend(sample.engine_logprobs)
    return torch.tensor(flat, device=device, dtype=dtype)


def balance(lengths: Sequence[int], num_ranks: int) -> list[list[int]]:
    """Indices of the sequences each rank gets: longest first, always to the rank with the fewest tokens so far.

    The greedy rule is within 4/3 of the best possible split (Graham 1969) and deterministic.
    """
    shares: list[list[int]] = [[] for _ in range(num_ranks)]
    load = [(0, rank) for rank in range(num_ranks)]
    for index in _longest_first(lengths):
        tokens, rank = heapq.heappop(load)
        shares[rank].append(index)
        heapq.heappush(load, (tokens + lengths[index], rank))
    return shares


def microbatches(lengths: Sequence[int], budget_tokens: int) -> list[list[int]]:
    """First-fit decreasing bins of at most `budget_tokens`; a sequence longer than that has a bin of its own."""
    bins: list[list[int]] = []
    free: list[int] = []
    for index in _longest_first(lengths):
        fits = next((b for b, room in enumerate(free) if room >= lengths[index]), None)
        if fits is None:
            bins.append([index])
            free.append(budget_tokens - lengths[index])
        else:
            bins[fits].append(index)
            free[fits] -= lengths[index]
    return bins


def _longest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
