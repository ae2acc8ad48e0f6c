"""Token n-grams of many texts as sorted arrays of hashes: the common form of all comparisons.

Axes: D documents, S shingles of one document. A batch is CSR: `values[offsets[d]:offsets[d + 1]]` are the distinct
shingles of document d in ascending order.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from or1_data.text.canonical import canonical_tokens

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

NGRAM: Final = 5
_BATCH_TOKENS: Final = 1 << 17
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


class _TokenIds(dict[str, int]):
    """Token -> 32 bits, the same in every process and on every machine (Python's own hash of text is salted)."""

    def __missing__(self, token: str) -> int:
        raw = token.encode("utf-8", "surrogatepass")
        value = zlib.crc32(raw, len(raw)) ^ (zlib.adler32(raw) * 0x85EBCA6B & 0xFFFFFFFF)
        if len(self) < 1_000_000:
            self[token] = value
        return value


_IDS: Final = _TokenIds()


@dataclass(frozen=True, slots=True)
class Shingles:
    """Distinct shingles of D documents."""

    values: U32
    offsets: I64

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, document: int) -> U32:
        """The shingles of one document."""
        return self.values[self.offsets[document] : self.offsets[document + 1]]


def shingles_of_texts(texts: Iterable[str], ngram: int = NGRAM) -> Shingles:
    """Shingles of statements, by their canonical tokens."""
    return shingles_of_tokens((canonical_tokens(text) for text in texts), ngram)


def shingles_of_tokens(documents: Iterable[Sequence[str]], ngram: int = NGRAM) -> Shingles:
    """Shingles of token lists; a document shorter than `ngram` is one shingle, an empty one has none."""
    lookup = _IDS.__getitem__
    flat: list[int] = []
    ends = [0]
    batches: list[tuple[U32, I64]] = []
    for tokens in documents:
        flat.extend(map(lookup, tokens))
        ends.append(len(flat))
        if len(flat) >= _BATCH_TOKENS:
            batches.append(_distinct_windows(flat, ends, ngram))
            flat, ends = [], [0]
    batches.append(_distinct_windows(flat, ends, ngram))
    lengths = np.concatenate([np.zeros(1, np.int64), *(counts for _, counts in batches)])
    return Shingles(np.concatenate([values for values, _ in batches]), np.cumsum(lengths))


def mix(values: U64) -> U64:
    """A bijection of 64 bits that spreads neighboring values (the finalizer of MurmurHash3)."""
    values = values ^ (values >> np.uint64(33))
    values = values * np.uint64(0xFF51AFD7ED558CCD)
    values = values ^ (values >> np.uint64(33))
    values = values * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def _distinct_windows(flat: list[int], ends: list[int], ngram: int) -> tuple[U32, I64]:
    """(distinct hashes in order of document and value, how many each document has)."""
    ids, offsets = np.array(flat, dtype=np.uint64), np.array(ends, dtype=np.int64)
    lengths = np.diff(offsets)
    document = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
    full = max(len(ids) - ngram + 1, 0)
    rolled = np.zeros(full, dtype=np.uint64)
    for step in range(ngram):
        rolled *= _MULTIPLIER
        rolled += ids[step : step + full]
    inside = document[:full] == document[ngram - 1 : ngram - 1 + full]
    short = [_short_window(flat, *span) for span in _short_spans(lengths, offsets, ngram)]
    owners = np.flatnonzero((lengths > 0) & (lengths < ngram)).astype(np.uint64)
    hashes = mix(np.concatenate([rolled[inside], np.array(short, dtype=np.uint64)])) >> np.uint64(32)
    keyed = (np.concatenate([document[:full][inside], owners]) << np.uint64(32)) | hashes
    keyed.sort()
    keyed = keyed[np.concatenate([[True], keyed[1:] != keyed[:-1]])] if len(keyed) else keyed
    counts = np.bincount((keyed >> np.uint64(32)).astype(np.int64), minlength=len(lengths))
    return (keyed & np.uint64(0xFFFFFFFF)).astype(np.uint32), counts.astype(np.int64)


def _short_spans(lengths: I64, offsets: I64, ngram: int) -> list[tuple[int, int]]:
    short = np.flatnonzero((lengths > 0) & (lengths < ngram))
    return list(zip(offsets[short].tolist(), offsets[short + 1].tolist(), strict=True))


def _short_window(flat: list[int], start: int, end: int) -> int:
    value = end - start
    for token in flat[start:end]:
        value = (value * int(_MULTIPLIER) + token) & 0xFFFFFFFFFFFFFFFF
    return value
