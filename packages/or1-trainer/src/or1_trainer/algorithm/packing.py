"""Pack samples into micro-batches under a token budget; the responses to one prompt share a single copy of it.

Axes: B samples of a micro-batch, K pieces of the packed axis, T packed tokens, M response tokens that were sampled.
"""

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]
TokenIds = Sequence[int] | NDArray[np.int32]
Logprobs = Sequence[float] | NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """One prompt with one response, ready to be trained on."""

    prompt_ids: TokenIds
    """At least one token."""
    response_ids: TokenIds
    advantage: float
    engine_logprobs: Logprobs | None = None
    teacher_logprobs: Logprobs | None = None
    is_sampled: NDArray[np.bool_] | None = None
    """Which tokens of the response the policy sampled; None: all. The others, observations, are context alone: no
    loss, no entropy, no length."""
    name: Hashable = None
    """What the caller knows the sample by."""

    @property
    def num_tokens(self) -> int:
        """Prompt and response together."""
        return len(self.prompt_ids) + len(self.response_ids)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PackedBatch:
    """One micro-batch in `thd` layout: pieces behind each other, without padding.

    A piece is a prompt, or a response without its last token (which predicts nothing). A response attends to the piece
    that it continues, its prompt, and to itself. All tensors lie on the device of the model; the layout is on the host.
    """

    token_ids_T: Tensor
    positions_T: Tensor
    """Position of each token in its own sequence; a response goes on where its prompt ends."""
    cu_seqlens_K1: Ints
    """Start of every piece and the end of the last one."""
    prefix_K: Ints
    """The piece that a piece continues, -1 for prompts."""
    source_M: Tensor
    """Row of the packed axis whose hidden state predicts each response token; rows may repeat."""
    labels_M: Tensor
    """The response tokens that the policy sampled, sample by sample: axis M has no others."""
    advantages_M: Tensor
    engine_logprobs_M: Tensor | None
    sequence_M: Tensor
    """Which sample of this micro-batch each response token belongs to."""
    lengths_B: Tensor
    """Response tokens of each sample that the policy sampled."""
    teacher_logprobs_M: Tensor | None = None
    names_B: tuple[Hashable, ...] = ()
    """The names of the samples."""


def pack(
    samples: Sequence[Sample], *, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> PackedBatch:
    """Lay samples behind each other, each distinct prompt once; response tokens stay in the order of the samples.

    `samples` are at least one; `dtype` is that of advantages and log-probs.
    """
    responses = [np.asarray(sample.response_ids, dtype=np.int64) for sample in samples]
    pieces: list[Ints] = []
    prefixes: list[int] = []
    piece_of: dict[int, int] = {}
    for members in _grouped(_prompt_keys(samples)):
        prompt_piece = len(pieces)
        pieces.append(np.asarray(samples[members[0]].prompt_ids, dtype=np.int64))
        pieces += [responses[index][:-1] for index in members]
        prefixes += [-1] + [prompt_piece] * len(members)
        piece_of |= zip(members, range(prompt_piece + 1, len(pieces)), strict=True)
    bounds = np.array([0, *accumulate(len(piece) for piece in pieces)])
    starts = [len(pieces[prefix]) if prefix >= 0 else 0 for prefix in prefixes]
    positions = [np.arange(start, start + len(piece)) for start, piece in zip(starts, pieces, strict=True)]
    sampled = [np.ones(len(s.response_ids), np.bool_) if s.is_sampled is None else s.is_sampled for s in samples]
    lengths = np.array([int(one.sum()) for one in sampled])
    sources = [
        _sources(bounds, piece_of[index], prefixes[piece_of[index]], len(response))[sampled[index]]
        for index, response in enumerate(responses)
    ]

    def tensor(values: NDArray[np.generic], kind: torch.dtype = torch.int64) -> Tensor:
        return torch.from_numpy(values).to(device=device, dtype=kind)

    def logprobs(values: Sequence[Logprobs | None]) -> Tensor | None:
        """Those of all samples' sampled tokens; None where a sample has none."""
        found = [np.asarray(v, np.float64)[one] for v, one in zip(values, sampled, strict=True) if v is not None]
        return tensor(np.concatenate(found), dtype) if len(found) == len(values) else None

    return PackedBatch(
        token_ids_T=tensor(np.concatenate(pieces)),
        positions_T=tensor(np.concatenate(positions)),
        cu_seqlens_K1=bounds,
        prefix_K=np.array(prefixes),
        source_M=tensor(np.concatenate(sources)),
        labels_M=tensor(np.concatenate([response[one] for response, one in zip(responses, sampled, strict=True)])),
        advantages_M=tensor(np.repeat([sample.advantage for sample in samples], lengths), dtype),
        engine_logprobs_M=logprobs([sample.engine_logprobs for sample in samples]),
        sequence_M=tensor(np.repeat(np.arange(len(samples)), lengths)),
        lengths_B=tensor(lengths),
        teacher_logprobs_M=logprobs([sample.teacher_logprobs for sample in samples]),
        names_B=tuple(sample.name for sample in samples),
    )


def _prompt_keys(samples: Sequence[Sample]) -> list[bytes]:
    return [np.asarray(sample.prompt_ids, dtype=np.int64).tobytes() for sample in samples]


def _grouped(keys: Sequence[Hashable]) -> list[list[int]]:
    """Indices of equal keys, in order of first appearance."""
    members: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        members.setdefault(key, []).append(index)
    return list(members.values())


class Size(NamedTuple):
    """What balancing needs to know of a sample."""

    prompt: Hashable
    """Equal for samples of one prompt."""
    prompt_tokens: int
    response_tokens: int


def balance(sizes: Sequence[Size], num_ranks: int) -> list[list[int]]:
    """Indices of the samples that each data-parallel rank trains on, balanced by tokens.

    The samples of a prompt stay together where a quarter of a rank's share holds them, so that they can share it.
    Parts go longest first to the rank with the fewest tokens so far: deterministic, and within 4/3 of the best split
    of these parts (Graham 1969).
    """
    limit = sum(size.prompt_tokens + size.response_tokens for size in sizes) // (4 * num_ranks)
    shares: list[list[int]] = [[] for _ in range(num_ranks)]
    load = [(0, rank) for rank in range(num_ranks)]
    for tokens, members in _longest_first(sizes, limit):
        before, rank = heapq.heappop(load)
        shares[rank] += members
        heapq.heappush(load, (before + tokens, rank))
    return [sorted(share) for share in shares]


def microbatches(samples: Sequence[Sample], budget_tokens: int) -> list[list[int]]:
    """Indices of the samples of each micro-batch of at most `budget_tokens`, a shared prompt counted once.

    First-fit decreasing over prompts with all their samples. What does not fit into one micro-batch is divided, and
    its prompt repeated; a sample longer than the budget has a micro-batch of its own.
    """
    bins: list[list[int]] = []
    free: list[int] = []
    keys = _prompt_keys(samples)
    sizes = [Size(key, len(s.prompt_ids), len(s.response_ids)) for key, s in zip(keys, samples, strict=True)]
    for tokens, members in _longest_first(sizes, budget_tokens):
        place = next((index for index, room in enumerate(free) if room >= tokens), len(bins))
        if place == len(bins):
            bins.append([])
            free.append(budget_tokens)
        bins[place] += members
        free[place] -= tokens
    return [sorted(members) for members in bins]


def _longest_first(sizes: Sequence[Size], limit: int) -> list[tuple[int, list[int]]]:
    """(tokens, indices) of prompts with samples, each part of at most `limit` tokens or one sample; longest first."""
    parts: list[tuple[int, list[int]]] = []
    for members in _grouped([size.prompt for size in sizes]):
        tokens, part = sizes[members[0]].prompt_tokens, list[int]()
        for index in members:
            if part and tokens + sizes[index].response_tokens > limit:
                parts.append((tokens, part))
                tokens, part = sizes[index].prompt_tokens, []
            tokens += sizes[index].response_tokens
            part.append(index)
        parts.append((tokens, part))
    return sorted(parts, key=lambda entry: (-entry[0], entry[1][0]))


def _sources(bounds: Ints, piece: int, prefix: int, length: int) -> Ints:
    """Rows that predict a response: its prompt's last token, then its own tokens but the last."""
    rows = np.arange(bounds[piece] - 1, bounds[piece] - 1 + length)
    rows[:1] = bounds[prefix + 1] - 1
    return rows
