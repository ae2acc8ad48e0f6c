"""Which keys each packed token attends to: those of its prompt, then those of its own piece up to itself.

Computed once per micro-batch and read by all layers. Axes: T packed tokens, K pieces, J keys of all pieces; of a block
B pieces, L queries and S keys of each, padded on the right.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from megatron.core.packed_seq_params import PackedSeqParams
from numpy.typing import NDArray
from torch import Tensor

from or1_trainer.algorithm.packing import PackedBatch
from or1_trainer.policy.rope import Rotation

Ints = NDArray[np.int64]

_SCORES = 2**20
"""Scores of a block over all heads, 4 MB of float32: about what the caches of two cores hold."""
_MIN_ROWS = 64
"""Queries of a block of one long piece, at least: products of fewer rows are slow."""
_MAX_PADDING = 1.25  # longest over shortest of the pieces of a block, in queries and in keys
_SLACK = 16  # tokens by which they may differ beside that


class Block(NamedTuple):
    """Queries of similar pieces that are computed together."""

    query_rows_BL: Tensor
    """Rows of the packed axis; padding repeats a row of the piece."""
    key_rows_BS: Tensor
    is_hidden_BLS: Tensor
    """True where a query does not see a key; [B or 1, L, keys], of the last keys only: all earlier ones are seen."""
    is_padding_BL: Tensor | None
    """True at padded queries; None where there are none."""
    target_rows: Tensor
    """Rows of the packed axis that this block computes, in order, padding left out."""
    real_slots: Tensor | None
    """Their places among the B * L slots; None for all."""


@dataclass
class PackedSequences(PackedSeqParams):  # type: ignore[misc]
    """Megatron's `thd` parameters, with each piece's keys, and the rotation of every token."""

    key_rows_J: Tensor | None = None
    """Row of the packed axis of every key, piece by piece (`cu_seqlens_kv`)."""
    blocks: tuple[Block, ...] = ()
    """For attention without variable-length kernels."""
    rotation: Rotation | None = None


def packed_sequences(batch: PackedBatch, padding: int, rotation: Rotation, *, heads: int | None) -> PackedSequences:
    """Lay out a micro-batch with `padding` unused rows behind it.

    With `heads`, the query heads of this rank, the layout is that of `block_attention`; with None that of variable-
    length kernels, for which the padding is a piece of its own.
    """
    device = batch.token_ids_T.device
    bounds, prefixes = batch.cu_seqlens_K1, batch.prefix_K
    if heads is not None:
        return PackedSequences(qkv_format="thd", rotation=rotation, blocks=_blocks(bounds, prefixes, heads, device))
    if padding:
        bounds, prefixes = np.append(bounds, bounds[-1] + padding), np.append(prefixes, -1)
    keys = [_key_rows(bounds, prefixes, piece) for piece in range(len(prefixes))]
    query_ends, key_ends = bounds, np.append(0, np.cumsum([len(rows) for rows in keys]))
    return PackedSequences(
        qkv_format="thd",
        cu_seqlens_q=torch.from_numpy(query_ends).to(device, torch.int32),
        cu_seqlens_kv=torch.from_numpy(key_ends).to(device, torch.int32),
        max_seqlen_q=int(np.diff(query_ends).max()),
        max_seqlen_kv=int(np.diff(key_ends).max()),
        key_rows_J=torch.from_numpy(np.concatenate(keys)).to(device),
        rotation=rotation,
    )


def _key_rows(bounds: Ints, prefixes: Ints, piece: int) -> Ints:
    """Rows of a piece's keys: its prompt's, then its own."""
    own = np.arange(bounds[piece], bounds[piece + 1])
    prefix = prefixes[piece]
    return own if prefix < 0 else np.concatenate([np.arange(bounds[prefix], bounds[prefix + 1]), own])


def _blocks(bounds: Ints, prefixes: Ints, heads: int, device: torch.device) -> tuple[Block, ...]:
    """Pieces of similar lengths together, as many as the scores of a block allow; a long piece in several blocks."""
    lengths = np.diff(bounds)
    before = np.where(prefixes >= 0, lengths[prefixes], 0)
    pieces = [int(piece) for piece in np.lexsort((-lengths, -before)) if lengths[piece]]
    blocks: list[Block] = []
    while pieces:
        longest = pieces[0]
        similar = [piece for piece in pieces if _is_similar(longest, piece, before, lengths)]
        length = int(lengths[similar].max())
        keys = int(before[longest]) + length
        chosen = similar[: max(1, _SCORES // (heads * length * keys))]
        pieces = [piece for piece in pieces if piece not in set(chosen)]
        rows = min(length, max(_MIN_ROWS, _SCORES // (heads * keys)))
        for first in range(0, length, rows):
            queries = range(first, min(first + rows, length))
            blocks.append(_block(sorted(chosen), queries, bounds, prefixes, before, device))
    return tuple(blocks)


def _is_similar(longest: int, other: int, before: Ints, lengths: Ints) -> bool:
    if bool(before[longest]) != bool(before[other]):
        return False
    return bool(
        before[other] >= before[longest] / _MAX_PADDING - _SLACK
        and lengths[longest] / _MAX_PADDING - _SLACK <= lengths[other] <= lengths[longest] * _MAX_PADDING + _SLACK
    )


def _block(
    pieces: list[int], queries: range, bounds: Ints, prefixes: Ints, before: Ints, device: torch.device
) -> Block:
    """The queries at these places of every piece, and all keys that one of them sees."""
    before_B, length_B = before[pieces], np.diff(bounds)[pieces]
    place_L = np.array(queries)
    is_padding_BL = place_L >= length_B[:, None]
    rows_BL = bounds[pieces][:, None] + np.minimum(place_L, length_B[:, None] - 1)
    num_keys = int(before_B.max()) + queries.stop
    keys = [_key_rows(bounds, prefixes, piece) for piece in pieces]
    keys_BS = np.stack([np.pad(rows[:num_keys], (0, max(0, num_keys - len(rows))), mode="edge") for rows in keys])
    seen_by_all = int(before_B.min()) + queries.start + 1
    before_B1 = before_B[:1] if (before_B == before_B[0]).all() else before_B
    key_S = np.arange(seen_by_all, num_keys)
    is_hidden_BLS = key_S > before_B1[:, None, None] + place_L[:, None]
    has_padding = bool(is_padding_BL.any())
    return Block(
        query_rows_BL=torch.from_numpy(rows_BL).to(device),
        key_rows_BS=torch.from_numpy(keys_BS).to(device),
        is_hidden_BLS=torch.from_numpy(is_hidden_BLS).to(device),
        is_padding_BL=torch.from_numpy(is_padding_BL).to(device) if has_padding else None,
        target_rows=torch.from_numpy(rows_BL[~is_padding_BL]).to(device),
        real_slots=torch.from_numpy((~is_padding_BL).reshape(-1).nonzero()[0]).to(device) if has_padding else None,
    )
