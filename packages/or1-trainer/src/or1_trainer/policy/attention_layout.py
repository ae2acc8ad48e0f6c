"""Layout of attention over a packed micro-batch, for kernels and for matrix products; shared by all layers.

A piece is a prompt or a response, and the responses to one prompt share a single copy of it. A token attends to its
prompt, then to its own piece up to itself. Axes: T packed tokens, K pieces, J keys of all pieces; of a block
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
"""Attention scores of a block, of all heads: 4 MB of float32, about what the caches of two cores hold."""
_MIN_ROWS = 64
"""A long piece is divided into blocks of at least so many queries: matrix products of fewer rows are slow."""
_MAX_PADDING = 1.25  # longest over shortest of the pieces of a block, in queries and in keys
_SLACK = 16  # tokens by which they may differ beside that


class Block(NamedTuple):
    """Queries of pieces with similar lengths, whose attention is computed by one batch of matrix products."""

    query_rows_BL: Tensor
    """Rows of the packed axis; padding repeats a row of the piece."""
    key_rows_BS: Tensor
    """Rows of the packed axis; padding repeats the last key of the piece."""
    is_hidden_BLS: Tensor
    """True where a query does not see a key; [B or 1, L, last keys], as every query sees all keys before those."""
    is_padding_BL: Tensor | None
    """True at padded queries; None where there are none."""
    target_rows: Tensor
    """Rows of the packed axis that this block computes, in order, padding left out."""
    real_slots: Tensor | None
    """Their indices in the flattened [B * L] queries; None where there is no padding."""


@dataclass(kw_only=True)
class PackedSequences(PackedSeqParams):  # type: ignore[misc]
    """Megatron's `thd` parameters, with each piece's keys and every token's rotary embedding."""

    key_rows_J: Tensor | None = None
    """Row of the packed axis of every key, piece by piece (`cu_seqlens_kv`); None with `blocks`."""
    blocks: tuple[Block, ...] = ()
    """For attention by matrix products, without variable-length kernels."""
    rotation: Rotation


def packed_sequences(batch: PackedBatch, padding: int, rotation: Rotation, *, heads: int | None) -> PackedSequences:
    """Lay out a micro-batch with `padding` unused rows behind it.

    With `heads`, the number of query heads of this rank, the layout is `blocks`, for attention by matrix products
    (`block_attention`). With None it is `cu_seqlens`, for variable-length kernels; the padding is a piece of its own.
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
    """Blocks of pieces with similar lengths, as many as `_SCORES` allows; a long piece is divided into several."""
    lengths = np.diff(bounds)
    before = np.where(prefixes >= 0, lengths[prefixes], 0)  # tokens of each piece's prompt
    pieces = np.lexsort((-lengths, -before))
    pieces = pieces[lengths[pieces] > 0]
    blocks: list[Block] = []
    while len(pieces):
        longest = pieces[0]
        has_prompt = before[pieces] > 0
        is_similar = (has_prompt == has_prompt[0]) & _near_first(before[pieces]) & _near_first(lengths[pieces])
        similar = pieces[is_similar]
        length = int(lengths[similar].max())
        keys = int(before[longest]) + length
        chosen = similar[: max(1, _SCORES // (heads * length * keys))]
        pieces = pieces[~np.isin(pieces, chosen)]
        rows = min(length, max(_MIN_ROWS, _SCORES // (heads * keys)))
        for first in range(0, length, rows):
            queries = range(first, min(first + rows, length))
            blocks.append(_block(np.sort(chosen), queries, bounds, prefixes, before, device))
    return tuple(blocks)


def _near_first(tokens: Ints) -> NDArray[np.bool_]:
    """Which numbers of tokens are so near to the first one that padding to the same length wastes little."""
    lowest, highest = tokens[0] / _MAX_PADDING - _SLACK, tokens[0] * _MAX_PADDING + _SLACK
    is_near: NDArray[np.bool_] = (tokens >= lowest) & (tokens <= highest)
    return is_near


def _block(pieces: Ints, queries: range, bounds: Ints, prefixes: Ints, before: Ints, device: torch.device) -> Block:
    """The block of the queries at positions `queries` of every piece, and of all keys that one of them sees."""
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
