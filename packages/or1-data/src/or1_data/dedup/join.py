"""From shingles to proved pairs: candidates by bands or by prefixes, then the exact Jaccard similarity of each.

Axes: D documents, P pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from or1_data.dedup.minhash import band_keys, blocks
from or1_data.dedup.settings import DedupSettings
from or1_data.text.shingles import I64, U64, Shingles, mix

_VERIFY_SHINGLES: Final = 1 << 21
_SUM_SHINGLES: Final = 1 << 20
_WINDOW: Final = 256
"""Documents with one key are compared with this many neighbors each: identical texts are merged before, so a longer
run is a template, and pairs of it that stand further apart are found through their other bands."""
_SAME_NUMBERS_WINDOW: Final = 64
_OTHER_NUMBERS_WINDOW: Final = 3
"""The same where numbers are known: documents with other numbers are no copies, a few are enough to note variants."""


Memo = Callable[[str, Callable[[], U64]], U64]
Keys = Callable[[int], U64]
"""Band -> the key of each document in it [D]."""


def call(name: str, work: Callable[[], U64]) -> U64:
    """The memo that keeps nothing."""
    return work()


@dataclass(frozen=True, slots=True)
class Pairs:
    """P proved pairs: `first < second` in each, with their exact Jaccard similarity; `num_candidates` were counted."""

    first: I64
    second: I64
    similarity: np.ndarray
    num_candidates: int = 0

    def __len__(self) -> int:
        return len(self.first)


def find_pairs(
    shingles: Shingles, settings: DedupSettings, memo: Memo = call, numbers: U64 | None = None, keys: Keys | None = None
) -> Pairs:
    """`exact_pairs` or `near_pairs`, as the settings say."""
    return exact_pairs(shingles, settings) if settings.exact else near_pairs(shingles, settings, memo, numbers, keys)


def near_pairs(
    shingles: Shingles, settings: DedupSettings, memo: Memo = call, numbers: U64 | None = None, keys: Keys | None = None
) -> Pairs:
    """All pairs at or above the threshold that share a band; identical documents are found without hashing.

    `memo(name, work)` may keep what `work()` gives, so that a killed run goes on behind the last band. With `numbers`,
    a hash of each document's numbers [D], only pairs with the same ones are all looked for. `keys(band)` gives the
    band keys of all documents [D] where they are known already.
    """
    distinct, representative, same = merge_identical(shingles)
    own = (
        band_keys(distinct, settings.bands, settings.rows).__getitem__ if keys is None else _some(keys, representative)
    )
    codes = band_candidates(own, settings.bands, memo, None if numbers is None else numbers[representative])
    found = verify(distinct, codes, settings.threshold)
    return _with_identical(found, representative, same)


def _some(keys: Keys, documents: I64) -> Keys:
    return lambda band: keys(band)[documents]


def exact_pairs(shingles: Shingles, settings: DedupSettings) -> Pairs:
    """All pairs at or above the threshold, by the prefix-filter join: nothing is missed."""
    distinct, representative, same = merge_identical(shingles)
    found = verify(distinct, prefix_candidates(distinct, settings.threshold), settings.threshold)
    return _with_identical(found, representative, same)


def merge_identical(shingles: Shingles) -> tuple[Shingles, I64, Pairs]:
    """Documents with different shingle sets, which document each stands for.

    The (counted) pairs of identical ones.
    """
    filled = np.flatnonzero(np.diff(shingles.offsets))
    if not len(filled):
        return take(shingles, filled), filled, Pairs(filled, filled, np.zeros(0))
    sums = mix(_sums(shingles, filled) + np.diff(shingles.offsets)[filled].astype(np.uint64))
    _, first, inverse = np.unique(sums, return_index=True, return_inverse=True)
    one, other = filled[first][inverse], filled
    same = np.flatnonzero(one != other)
    codes = (one[same].astype(np.uint64) << np.uint64(32)) | other[same].astype(np.uint64)
    proved = verify(shingles, codes, 1.0)
    kept = np.setdiff1d(filled, proved.second)
    return take(shingles, kept), kept, proved


def _sums(shingles: Shingles, filled: I64) -> U64:
    """The sum of the mixed shingles of each filled document, in blocks: eight bytes a shingle are not held at once."""
    found = [np.zeros(0, np.uint64)]
    for block in blocks(shingles, filled, _SUM_SHINGLES):
        first, last = shingles.offsets[block[0]], shingles.offsets[block[-1] + 1]
        mixed = mix(shingles.values[first:last].astype(np.uint64) + np.uint64(1))
        found.append(np.add.reduceat(mixed, shingles.offsets[block] - first))
    return np.concatenate(found)


def take(shingles: Shingles, documents: I64) -> Shingles:
    """The shingles of some documents, given in ascending order."""
    lengths = np.diff(shingles.offsets)
    wanted = np.zeros(len(lengths), dtype=bool)
    wanted[documents] = True
    offsets = np.concatenate([[0], np.cumsum(lengths[documents])]).astype(np.int64)
    return Shingles(shingles.values[np.repeat(wanted, lengths)], offsets)


def _with_identical(found: Pairs, representative: I64, same: Pairs) -> Pairs:
    first, second = representative[found.first], representative[found.second]
    return Pairs(
        np.concatenate([same.first, np.minimum(first, second)]),
        np.concatenate([same.second, np.maximum(first, second)]),
        np.concatenate([same.similarity, found.similarity]),
        found.num_candidates + same.num_candidates,
    )


def band_candidates(keys: Keys, bands: int, memo: Memo = call, numbers: U64 | None = None) -> U64:
    """Pairs (`first << 32 | second`, each once) that share a key in a band."""

    def pairs_of(own: U64) -> U64:
        if numbers is None:
            return np.unique(band_pairs(own))
        same = band_pairs(mix(own ^ mix(numbers)), _SAME_NUMBERS_WINDOW)
        return np.unique(np.concatenate([same, band_pairs(own, _OTHER_NUMBERS_WINDOW)]))

    def of_band(band: int) -> U64:
        return memo(f"band-{band:03d}", lambda: pairs_of(keys(band)))

    found = [of_band(band) for band in range(bands)]
    pairs: U64 = np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint64)
    return pairs


def band_pairs(keys: U64, window: int = _WINDOW) -> U64:
    """The pairs of one band, of documents at most `window` apart in a run of one key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    found: list[U64] = []
    for distance in range(1, min(window, len(keys) - 1) + 1):
        same = np.flatnonzero(ordered[:-distance] == ordered[distance:])
        if not len(same):
            break
        one, other = order[same].astype(np.uint64), order[same + distance].astype(np.uint64)
        found.append((np.minimum(one, other) << np.uint64(32)) | np.maximum(one, other))
    pairs: U64 = np.concatenate(found) if found else np.zeros(0, np.uint64)
    return pairs


def prefix_candidates(shingles: Shingles, threshold: float) -> U64:
    """Pairs that share one of their rarest shingles.

    With J >= t, one of the first `len - ceil(t len) + 1` must agree.
    """
    _, inverse, frequency = np.unique(shingles.values, return_inverse=True, return_counts=True)
    rank = np.empty(len(frequency), np.int64)
    rank[np.lexsort((np.arange(len(frequency)), frequency))] = np.arange(len(frequency))
    postings: dict[int, list[int]] = {}
    lengths = np.diff(shingles.offsets)
    found: list[U64] = []
    for document in np.argsort(lengths, kind="stable"):  # by length: a partner comes earlier and is no longer
        length = int(lengths[document])
        ranks = np.sort(rank[inverse[shingles.offsets[document] : shingles.offsets[document + 1]]])
        prefix = ranks[: length - int(np.ceil(threshold * length - 1e-9)) + 1].tolist()
        partners: set[int] = set()
        for item in prefix:
            partners.update(postings.get(item, ()))
            postings.setdefault(item, []).append(int(document))
        near = np.array(sorted(partners), dtype=np.int64)
        near = near[lengths[near] >= threshold * length - 1e-9] if len(near) else near
        pair = np.sort(np.stack([near, np.full(len(near), document)]), axis=0).astype(np.uint64)
        found.append((pair[0] << np.uint64(32)) | pair[1])
    pairs: U64 = np.unique(np.concatenate(found)) if found else np.zeros(0, np.uint64)
    return pairs


def verify(shingles: Shingles, codes: U64, threshold: float) -> Pairs:
    """The pairs whose counted Jaccard similarity is at least `threshold`."""
    first = (codes >> np.uint64(32)).astype(np.int64)
    second = (codes & np.uint64(0xFFFFFFFF)).astype(np.int64)
    lengths = np.diff(shingles.offsets)
    short, long = np.minimum(lengths[first], lengths[second]), np.maximum(lengths[first], lengths[second])
    possible = np.flatnonzero(short >= threshold * long - 1e-9)
    first, second = first[possible], second[possible]
    similarity = np.concatenate([[0.0][:0], *(jaccard(shingles, *part) for part in _parts(first, second, lengths))])
    kept = np.flatnonzero(similarity >= threshold - 1e-9)
    return Pairs(first[kept], second[kept], similarity[kept], len(codes))


def _parts(first: I64, second: I64, lengths: I64) -> Iterator[tuple[I64, I64]]:
    if len(first):
        number = np.cumsum(lengths[first] + lengths[second]) // _VERIFY_SHINGLES
        cuts = np.flatnonzero(np.diff(number)) + 1
        yield from zip(np.split(first, cuts), np.split(second, cuts), strict=True)


def jaccard(shingles: Shingles, first: I64, second: I64) -> np.ndarray:
    """[P] exact similarities: both sides of each pair are sorted together, equal neighbors are what they share."""
    pair = np.arange(len(first), dtype=np.uint64)
    keyed = [_gather(shingles, side, pair) for side in (first, second)]
    merged = np.sort(np.concatenate(keyed))
    shared = merged[1:][merged[1:] == merged[:-1]] >> np.uint64(32)
    common = np.bincount(shared.astype(np.int64), minlength=len(first))
    lengths = np.diff(shingles.offsets)
    return common / (lengths[first] + lengths[second] - common)


def _gather(shingles: Shingles, documents: I64, pair: U64) -> U64:
    lengths = np.diff(shingles.offsets)[documents]
    ends = np.cumsum(lengths)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    values = shingles.values[np.repeat(shingles.offsets[documents], lengths) + within]
    keyed: U64 = (np.repeat(pair, lengths) << np.uint64(32)) | values.astype(np.uint64)
    return keyed
