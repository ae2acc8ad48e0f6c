"""Decoding one batch of rows to their ends: finished rows leave, what is left goes on.

Axes: N rows still in the batch, T tokens of one row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from or1_rollout.engines.transformers.decoder import Decoder
from or1_rollout.errors import EngineError
from or1_rollout.lanes import in_lanes, num_lanes
from or1_rollout.seeds import uniforms
from or1_rollout.types import FinishReason, SamplingParams

CHECK_TOKENS = 8
"""Tokens between looks at who has finished: a look copies tokens to the host, a finished row wastes at most these."""

LANE_ROWS = 8
"""Fewest rows worth a lane of their own."""

KEEP_SHARE = 0.8
"""Rows are moved together once fewer than this share of the batch is still alive."""


@dataclass(slots=True)
class Row:
    """One sample while it grows."""

    request: int
    seed: int
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    text: str | None = None
    """Set only where a stop string cut it."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What ends a row: token ids, or (slowly) strings in its text."""

    token_ids: frozenset[int]
    strings: tuple[str, ...]
    decode: Callable[[Sequence[int]], str]


def decode_rows(
    decoder: Decoder, prompts: Sequence[Sequence[int]], rows: Sequence[Row], params: SamplingParams, ends: Ends
) -> None:
    """Fill `rows`, in one batch or in one per lane; they are in the order of `request`, an index into `prompts`.

    A prompt whose rows fall into two lanes is computed in both.
    """
    count = max(1, min(num_lanes(), len(rows) // LANE_ROWS)) if decoder.takes_lanes else 1
    bounds = [len(rows) * lane // count for lane in range(count + 1)]
    in_lanes(lambda part: _decode_batch(decoder, prompts, part, params, ends), [rows[a:b] for a, b in pairwise(bounds)])


@torch.inference_mode()
def _decode_batch(
    decoder: Decoder, prompts: Sequence[Sequence[int]], rows: Sequence[Row], params: SamplingParams, ends: Ends
) -> None:
    first, last = rows[0].request, rows[-1].request
    repeats = np.bincount([row.request - first for row in rows]).tolist()
    decoding = decoder.start(prompts[first : last + 1], repeats, params)
    batch = list(rows)
    for start in range(0, params.max_new_tokens, CHECK_TOKENS):
        stop = min(start + CHECK_TOKENS, params.max_new_tokens)
        uniform_NT = torch.from_numpy(uniforms([row.seed for row in batch], start, stop))
        tokens_NT, logprobs_NT = decoding.draw(uniform_NT.to(decoder.device))
        _extend(batch, tokens_NT, logprobs_NT, ends)
        alive = [index for index, row in enumerate(batch) if row.finish_reason is None]
        if not alive:
            return
        if stop < params.max_new_tokens and len(alive) < KEEP_SHARE * len(batch):
            decoding.keep(torch.tensor(alive, device=decoder.device))
            batch = [batch[i] for i in alive]
    for row in batch:
        row.finish_reason = row.finish_reason or FinishReason.LENGTH


def _extend(batch: Sequence[Row], tokens_NT: Tensor, logprobs_NT: Tensor, ends: Ends) -> None:
    """Append a block of tokens to every living row, up to its end."""
    drawn, logprobs = tokens_NT.cpu().numpy(), logprobs_NT.cpu().numpy()
    all_tokens, all_logprobs = drawn.tolist(), logprobs.tolist()
    if np.isnan(logprobs).any():
        raise EngineError("the model's logits are not numbers (NaN): its weights are broken, nothing can be sampled")
    is_end: NDArray[np.bool_] = np.zeros(drawn.shape, dtype=np.bool_)
    for token in ends.token_ids:
        is_end |= drawn == token
    has_end: list[bool] = np.logical_or.reduce(is_end, axis=1).tolist()
    first_end: list[int] = is_end.argmax(axis=1).tolist()
    for index, row in enumerate(batch):
        if row.finish_reason is not None:
            continue
        count = first_end[index] + 1 if has_end[index] else drawn.shape[1]
        row.token_ids += all_tokens[index][:count]
        row.logprobs += all_logprobs[index][:count]
        if has_end[index]:
            row.finish_reason = FinishReason.STOP
        if ends.strings:
            _cut_at_string(row, ends)


def _cut_at_string(row: Row, ends: Ends) -> None:
    """End the row with the token that completes a stop string; its text ends before the string.

    Only the end of the row is looked at: the tokens since the last look, and as many before them as a string can
    span (a character is at most four tokens).
    """
    tail = CHECK_TOKENS + 4 * max(len(string) for string in ends.strings)
    if not _holds(ends.decode(row.token_ids[-tail:]), ends):
        return
    first = max(0, len(row.token_ids) - tail)
    count = first + bisect_left(
        range(first, len(row.token_ids)), True, key=lambda place: _holds(ends.decode(row.token_ids[:place]), ends)
    )
    text = ends.decode(row.token_ids[:count])
    if not _holds(text, ends):
        return  # only the cut-off beginning of the tail looked like the string
    row.token_ids, row.logprobs = row.token_ids[:count], row.logprobs[:count]
    row.text = text[: min(text.index(string) for string in ends.strings if string in text)]
    row.finish_reason = FinishReason.STOP


def _holds(text: str, ends: Ends) -> bool:
    return any(string in text for string in ends.strings)
