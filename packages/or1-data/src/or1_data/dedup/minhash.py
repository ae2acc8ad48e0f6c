"""MinHash band keys: documents that share one are candidates.

Axes: D documents, B bands. Multiply-shift hashing of 32-bit shingles; the minimum over a document's shingles per
permutation, `rows` minima mixed into one key per band.
"""

from __future__ import annotations

import numpy as np

from or1_data.text.shingles import U32, U64, Shingles, mix

_BLOCK_SHINGLES = 32_768
"""Shingles worked on at a time: 128 KB of hashes stay in the second-level cache."""


def permutations(count: int) -> tuple[U32, U32]:
    """Odd multipliers and additions, the same on every machine."""
    raw = mix(np.arange(1, 2 * count + 1, dtype=np.uint64))
    return (raw[:count] >> np.uint64(32)).astype(np.uint32) | np.uint32(1), (raw[count:] >> np.uint64(32)).astype(
        np.uint32
    )


def band_keys(shingles: Shingles, bands: int, rows: int) -> U64:
    """[B, D] keys. Documents without shingles get keys of their own and are nobody's candidate."""
    count = len(shingles)
    keys = np.empty((bands, count), dtype=np.uint64)
    multipliers, additions = permutations(bands * rows)
    filled = np.flatnonzero(np.diff(shingles.offsets))
    for block in blocks(shingles, filled, _BLOCK_SHINGLES):
        first, last = shingles.offsets[block[0]], shingles.offsets[block[-1] + 1]
        values = shingles.values[first:last]
        starts = shingles.offsets[block] - first
        _block_keys(values, starts, block, keys, multipliers, additions, rows)
    empty = np.flatnonzero(np.diff(shingles.offsets) == 0)
    keys[:, empty] = mix(empty.astype(np.uint64) + np.uint64(1 << 60))
    return keys


def _block_keys(
    values: U32, starts: np.ndarray, block: np.ndarray, keys: U64, multipliers: U32, additions: U32, rows: int
) -> None:
    hashed = np.empty_like(values)
    for band in range(len(keys)):
        key = np.full(len(block), band + 1, dtype=np.uint64)
        for row in range(band * rows, (band + 1) * rows):
            np.multiply(values, multipliers[row], out=hashed)
            hashed += additions[row]
            # The low bits of a product are weak; the minimum compares the high bits first, which are not.
            key = mix(key * np.uint64(0x9E3779B97F4A7C15) + np.minimum.reduceat(hashed, starts))
        keys[band, block] = key


def blocks(shingles: Shingles, filled: np.ndarray, size: int) -> list[np.ndarray]:
    """Runs of documents that have shingles, of about `size` shingles each."""
    if not len(filled):
        return []
    number = shingles.offsets[filled] // size
    return np.split(filled, np.flatnonzero(np.diff(number)) + 1)
