"""Padded buckets of short pieces, for attention that keeps its probabilities.

A piece may go on from another one, its prefix: the keys of a prompt are then computed once and seen by all responses.

Axes: T tokens of a micro-batch, K pieces, B pieces of a bucket, L their padded length, S = B * L slots, W prompts of a
bucket, F padded length of the prompts, J = F + L keys of a piece; G key/value groups, R query heads of each, P pairs of
a head.
"""

from functools import lru_cache
from typing import NamedTuple, Optional

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]

SHORT_TOKENS = 512
"""Longest sequence, prefix included, whose attention probabilities are kept: 2 KB a token and head at most."""

_MAX_PADDING = 1.25  # longest over shortest piece (and prefix) of a bucket
_SLACK = 16  # tokens by which lengths may differ beside that


class PrefixBucket(NamedTuple):
    """Pieces of similar length with prefixes of similar length, padded on the right to one length each."""

    batch: int
    length: int
    prefix_length: int
    first: int
    """First row where the slots are a run of packed rows in order; else -1."""
    take_S: Tensor
    """Row of the packed axis for every slot; padding repeats the last token of its piece."""
    real_slots: Optional[Tensor]  # noqa: UP045 - TorchScript reads this
    """Slots that are no padding; None where none is."""
    padding_BL: Optional[Tensor]  # noqa: UP045
    """True at padding; None where there is none."""
    bias: Optional[Tensor]  # noqa: UP045
    """[1 or B, 1, L, J]: 0 where a query sees a key, else -inf."""
    owner_B: Tensor
    """Which of the W prompts each piece goes on from."""
    prefix_rows: Tensor
    """Row of the packed axis for every prompt token, [W * F]; padding repeats the last token."""


class ShortPlan(NamedTuple):
    """How a micro-batch's attention is computed; the same in every layer, forward and backward."""

    buckets: list[PrefixBucket]
    tokens: int
    """Rows in use; what lies behind them is padding that nothing sees."""
    turn_TGRP: Tensor
    """Complex, per pair of the fused projection: queries and keys are turned and scaled by D ** -0.25, values kept."""
    back_TGRP: Tensor
    """Its conjugate, for gradients."""


def short_turns(rotation_L: Tensor, groups: int, queries: int) -> tuple[Tensor, Tensor]:
    """Of L positions the rows of `turn_TGRP` and `back_TGRP`; `rotation_L` is complex, [L, 1, P].

    One factor for every element: a product with factors that repeat along heads takes four times as long.
    """
    turn_L1P = rotation_L * (2 * rotation_L.shape[-1]) ** -0.25
    turn_LRP = torch.cat([turn_L1P.expand(-1, queries + 1, -1), torch.ones_like(turn_L1P)], 1)
    turn_LGRP = turn_LRP[:, None].expand(-1, groups, -1, -1).contiguous()
    return turn_LGRP, turn_LGRP.conj().resolve_conj()


def prefix_buckets(cu_seqlens_K1: Tensor, prefix_K: Tensor | None, dtype: torch.dtype) -> list[PrefixBucket]:
    """Buckets of all pieces; together their real slots are every packed row once."""
    prefix = b"" if prefix_K is None else prefix_K.numpy().astype(np.int64).tobytes()
    return _buckets(cu_seqlens_K1.numpy().astype(np.int64).tobytes(), prefix, dtype)


@lru_cache(maxsize=8)  # all layers, and all micro-batches of one shape
def _buckets(bounds: bytes, prefix: bytes, dtype: torch.dtype) -> list[PrefixBucket]:
    bounds_K1: Ints = np.frombuffer(bounds, dtype=np.int64)
    lengths_K, starts_K = np.diff(bounds_K1), bounds_K1[:-1]
    prefix_K: Ints = np.frombuffer(prefix, dtype=np.int64) if prefix else np.full(len(lengths_K), -1)
    before_K = np.where(prefix_K >= 0, lengths_K[prefix_K], 0)
    pieces = [piece for piece in np.lexsort((-lengths_K, -before_K)) if lengths_K[piece]]
    found: list[PrefixBucket] = []
    while pieces:
        longest = (before_K[pieces[0]], lengths_K[pieces[0]])
        fits = [_is_similar(longest, (before_K[piece], lengths_K[piece])) for piece in pieces]
        chosen = np.sort([piece for piece, fit in zip(pieces, fits, strict=True) if fit])
        pieces = [piece for piece, fit in zip(pieces, fits, strict=True) if not fit]
        found.append(_bucket(chosen, starts_K, lengths_K, prefix_K, before_K, dtype))
    return found


def _is_similar(longest: tuple[int, int], other: tuple[int, int]) -> bool:
    if bool(longest[0]) != bool(other[0]):
        return False
    return all(small <= big and small >= big / _MAX_PADDING - _SLACK for big, small in zip(longest, other, strict=True))


def _bucket(
    chosen: Ints, starts_K: Ints, lengths_K: Ints, prefix_K: Ints, before_K: Ints, dtype: torch.dtype
) -> PrefixBucket:
    lengths_B, before_B = lengths_K[chosen], before_K[chosen]
    length, prefix_length = int(lengths_B.max()), int(before_B.max())
    take_BL = starts_K[chosen, None] + np.minimum(np.arange(length), lengths_B[:, None] - 1)
    take_S = take_BL.reshape(-1)
    real_S = (np.arange(length) < lengths_B[:, None]).reshape(-1)
    is_run = bool((take_S == take_S[0] + np.arange(len(take_S))).all())
    prompts, owner_B = np.unique(prefix_K[chosen], return_inverse=True)
    prefix_WF = starts_K[prompts, None] + np.minimum(np.arange(prefix_length), lengths_K[prompts, None] - 1)
    return PrefixBucket(
        batch=len(chosen),
        length=length,
        prefix_length=prefix_length,
        first=int(take_S[0]) if is_run else -1,
        take_S=torch.from_numpy(take_S),
        real_slots=None if real_S.all() else torch.from_numpy(real_S.nonzero()[0]),
        padding_BL=None if real_S.all() else torch.from_numpy(~real_S).view(len(chosen), length),
        bias=_bias(before_B, length, prefix_length, dtype),
        owner_B=torch.from_numpy(owner_B.astype(np.int64)),
        prefix_rows=torch.from_numpy(prefix_WF.reshape(-1).astype(np.int64)),
    )


def _bias(before_B: Ints, length: int, prefix_length: int, dtype: torch.dtype) -> Tensor | None:
    """Every query sees its whole prefix, and of its own piece what is not behind it."""
    if (before_B == prefix_length).all():
        before_B = before_B[:1]
    key_J, query_L = np.arange(prefix_length + length), np.arange(length)
    in_prefix_BJ = key_J < before_B[:, None]
    in_piece_LJ = (key_J >= prefix_length) & (key_J - prefix_length <= query_L[:, None])
    hidden_BLJ = ~(in_prefix_BJ[:, None] | in_piece_LJ)
    if not hidden_BLJ.any():
        return None
    return torch.zeros(hidden_BLJ.shape, dtype=dtype).masked_fill_(torch.from_numpy(hidden_BLJ), float("-inf"))[:, None]
