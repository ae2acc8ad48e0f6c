"""Sequences -> packed micro-batches under a token budget, balanced over the data-parallel ranks.

Axes: B samples of one micro-batch, K packed pieces, T tokens of all of them behind each other, M response tokens.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
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
    """One micro-batch in `thd` layout: pieces behind each other, no padding at all.

    A piece is a sequence without its last token, which predicts nothing; or a prompt that several samples share, or
    a response to such a prompt. See `megatron.batch.PackedBatch` for the fields on the axes T and K.
    """

    token_ids_T: Tensor
    positions_T: Tensor
    cu_seqlens_K1: Tensor
    prefix_K: Tensor | None
    max_seqlen: int
    source_M: Tensor
    labels_M: Tensor
    advantages_M: Tensor
    engine_logprobs_M: Tensor | None
    sequence_M: Tensor
    """Which sample of this micro-batch each response token belongs to."""
    lengths_B: Tensor
    """Response tokens of each sample."""

    @property
    def num_response_tokens(self) -> int:
        """M."""
        return int(self.advantages_M.numel())


@dataclass(slots=True)
class _Pieces:
    """The packed axis while it grows."""

    token_ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    bounds: list[int] = field(default_factory=lambda: [0])
    prefixes: list[int] = field(default_factory=list)

    def add(self, token_ids: Sequence[int], position: int, prefix: int) -> int:
        """Append a piece that begins at a position of its sequence; its number."""
        self.token_ids += token_ids
        self.positions += range(position, position + len(token_ids))
        self.bounds.append(len(self.token_ids))
        self.prefixes.append(prefix)
        return len(self.prefixes) - 1


def pack(
    samples: Sequence[Sample],
    *,
    share_prompts: bool = False,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> PackedBatch:
    """Lay samples behind each other; with `share_prompts` a prompt of several samples is there once.

    Trained tokens stay in the order of the samples.
    """
    counts = Counter(tuple(sample.prompt_ids) for sample in samples) if share_prompts else Counter()
    pieces, sources = _Pieces(), list[int]()
    # prompts before all responses: responses of one length are then a run of rows, which attention takes as it lies
    shared = {prompt: pieces.add(prompt, 0, -1) for prompt, count in counts.items() if count > 1}
    for sample in samples:
        prompt, response = tuple(sample.prompt_ids), sample.response_ids
        if prompt in shared:
            start = pieces.bounds[pieces.add(response[:-1], len(prompt), shared[prompt])]
            sources += [pieces.bounds[shared[prompt] + 1] - 1, *range(start, start + len(response) - 1)][
                : len(response)
            ]
        else:
            start = pieces.bounds[pieces.add([*prompt, *response[:-1]], 0, -1)] + len(prompt) - 1
            sources += range(start, start + len(response))
    response_lengths = [len(s.response_ids) for s in samples]

    def tensor(values: list[int] | NDArray[Any], kind: torch.dtype) -> Tensor:
        # `array` reads a thousand integers in 11 microseconds; numpy, which looks first what they are, takes 19
        found = np.array(array("q", values)) if isinstance(values, list) else values
        return torch.from_numpy(found).to(device=device, dtype=kind)

    return PackedBatch(
        token_ids_T=tensor(pieces.token_ids, torch.int64),
        positions_T=tensor(pieces.positions, torch.int64),
        cu_seqlens_K1=tensor(pieces.bounds, torch.int32),
        prefix_K=tensor(pieces.prefixes, torch.int64) if shared else None,
        max_seqlen=max(sample.num_tokens for sample in samples),
        source_M=tensor(sources, torch.int64),
        labels_M=tensor(list(chain.from_iterable(s.response_ids for s in samples)), torch.int64),
        advantages_M=tensor(np.repeat([s.advantage for s in samples], response_lengths), dtype),
        engine_logprobs_M=_engine_logprobs(samples, device, dtype),
        sequence_M=tensor(np.repeat(np.arange(len(samples)), response_lengths), torch.int64),
        lengths_B=tensor(response_lengths, torch.int64),
    )


def _engine_logprobs(samples: Sequence[Sample], device: torch.device | None, dtype: torch.dtype) -> Tensor | None:
    flat: list[float] = []
    for sample in samples:
        if sample.engine_logprobs is None:
            return None
        flat.extend(sample.engine_logprobs)
    return torch.from_numpy(np.array(array("d", flat))).to(device=device, dtype=dtype)


def balance(lengths: Sequence[int], num_ranks: int) -> list[list[int]]:
    """Indices of the sequences each rank gets: longest first, always to the rank with the fewest tokens so far.

    The greedy rule is within 4/3 of the best possible split (Graham 1969) and deterministic.
    """
    if num_ranks == 1:
        return [list(range(len(lengths)))]
    shares: list[list[int]] = [[] for _ in range(num_ranks)]
    load = [(0, rank) for rank in range(num_ranks)]
    for index in _longest_first(lengths):
        tokens, rank = heapq.heappop(load)
        shares[rank].append(index)
        heapq.heappush(load, (tokens + lengths[index], rank))
    return shares


def microbatches(lengths: Sequence[int], budget_tokens: int) -> list[list[int]]:
    """First-fit decreasing bins of at most `budget_tokens`; a sequence longer than that has a bin of its own."""
    if lengths and sum(lengths) <= budget_tokens:
        return [list(range(len(lengths)))]
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


def cut(samples: Sequence[Sample], count: int) -> list[list[Sample]]:
    """At most `count` parts of about as many tokens each, samples of one prompt next to each other."""
    first: dict[tuple[int, ...], int] = {}
    for place, sample in enumerate(samples):
        first.setdefault(tuple(sample.prompt_ids), place)
    ordered = sorted(samples, key=lambda sample: first[tuple(sample.prompt_ids)])
    lengths = [sample.num_tokens for sample in ordered]
    total, before = sum(lengths), 0
    parts: list[list[Sample]] = [[] for _ in range(count)]
    for sample, length in zip(ordered, lengths, strict=True):
        parts[min(int((before + length / 2) * count / total), count - 1)].append(sample)
        before += length
    return [part for part in parts if part]


def _longest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
