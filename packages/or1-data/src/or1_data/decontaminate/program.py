"""Whether a row is a programming problem of a benchmark in other words: by its samples, its tests, and its words.

Whoever retells a programming problem keeps its tests, for without them it could not be verified, and often its
samples and limits. Words decide only where the item is a function to complete: two problems of one contest site share
too many phrases (`docs/data.md` has the figures).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from or1_data.decontaminate.features import Features
from or1_data.text.frequencies import number_weight, word_weights

_BONUS: Final = 0.57
"""What limits, samples or tests in common add to the cosine of the words."""
_LIMITS_WEIGHT: Final = 15.0
"""Nats of shared numbers, such as three unusual limits, that earn the bonus."""
_LEAST_SHARE: Final = 0.4
_SAMPLES_WEIGHT: Final = 20.0
"""Nats of shared literals, beyond what a row of so many literals shares by chance, that earn the same bonus."""
_LEAST_SAMPLES_SHARE: Final = 0.25
_TESTS_WEIGHT: Final = 20.0
"""Nats of shared tests that are enough by themselves: of 4,000 pairs of other problems, none shared as much."""


def program_score(rows: Features, row: int, items: Features, item: int, cosine: float) -> float:
    """Between 0 and 1: the strongest of what words, samples, limits and tests say."""
    tests = shared_tests(rows, row, items, item)
    if items.is_code[item]:
        found = function_evidence(rows, row, items, item)
        return max(tests, _logistic(found))
    kept = _same_limits(rows, row, items, item) or _same_samples(rows, row, items, item)
    return max(tests, min(1.0, cosine + _BONUS * max(float(kept), tests)))


def shared_tests(rows: Features, row: int, items: Features, item: int) -> float:
    """How far the tests that both have are enough by themselves, between 0 and 1."""
    return min(1.0, _shared(rows.tests[row], items.tests[item], 0.0) / _TESTS_WEIGHT)


class Literals:
    """Which items have literals of a row's samples and tests."""

    def __init__(self, items: Features) -> None:
        """Invert the items' literals."""
        self._items: dict[str, list[int]] = {}
        for item, found in enumerate(map(_both, items.samples, items.tests)):
            for key in found:
                self._items.setdefault(key, []).append(item)

    def candidates(self, rows: Features, row: int, most: int) -> list[int]:
        """The items that share most, at most `most`."""
        ours = _both(rows.samples[row], rows.tests[row])
        chance = math.log(3 + len(ours))
        weights: dict[int, float] = {}
        for key in ours.keys() & self._items.keys():
            for item in self._items[key]:
                weights[item] = weights.get(item, 0.0) + max(0.0, ours[key] - chance)
        best = sorted((item for item, weight in weights.items() if weight > 0), key=lambda item: (-weights[item], item))
        return best[:most]


def _both(samples: dict[str, float], tests: dict[str, float]) -> dict[str, float]:
    return samples | tests


def _same_limits(rows: Features, row: int, items: Features, item: int) -> bool:
    ours, theirs = rows.numbers[row], items.numbers[item]
    shared, union = number_weight((ours & theirs).items()), number_weight((ours | theirs).items())
    return shared >= max(_LIMITS_WEIGHT, _LEAST_SHARE * union)


def _same_samples(rows: Features, row: int, items: Features, item: int) -> bool:
    shared, share = sample_overlap(rows.samples[row], items.samples[item])
    return shared >= _SAMPLES_WEIGHT and share >= _LEAST_SAMPLES_SHARE


def sample_overlap(ours: dict[str, float], theirs: dict[str, float]) -> tuple[float, float]:
    """Nats of the shared literals beyond chance, and their share of the item's; a long row shares more by chance."""
    chance = math.log(3 + len(ours))
    shared = _shared(ours, theirs, chance)
    whole = sum(max(0.0, weight - chance) for weight in theirs.values())
    return shared, shared / whole if whole else 0.0


def _shared(ours: dict[str, float], theirs: dict[str, float], chance: float) -> float:
    return sum(max(0.0, ours[key] - chance) for key in ours.keys() & theirs.keys())


class FunctionEvidence(NamedTuple):
    """What speaks for a row being the same function to complete."""

    cosine: float
    """Cosine of the weighted words, names of the signature included."""
    covered: float
    """Share of the row's weighted words that the item has."""
    covering: float
    """Share of the item's weighted words that the row has."""
    words: float
    """Logarithm of the weight of the shared words."""
    pairs: float
    """Share of the pairs of neighboring words of the text with fewer, of four at least."""
    number_share: float
    """Weight of the shared numbers over that of all; one half where there are none."""
    numbers: float
    """Logarithm of the weight of the shared numbers."""
    samples: float
    """Logarithm of the nats of shared literals."""
    sample_share: float
    """Share of the item's literals that the row has, in nats."""
    lengths: float
    """Absolute logarithm of the ratio of the numbers of words."""


_INTERCEPT: Final = -5.2
_COEFFICIENTS: Final = FunctionEvidence(1.5, 4.0, 1.4, 1.7, 4.3, 2.9, -1.3, 1.8, 1.9, -2.9)
"""Fitted by `benchmarks/data_paraphrase_fit.py --functions` on our `tests/data/rephrased_code.jsonl`."""


def function_evidence(rows: Features, row: int, items: Features, item: int) -> FunctionEvidence:
    """The evidence on one row and one item."""
    ours, theirs = rows.words.of(row), items.words.of(item)
    shared = word_weights(np.intersect1d(ours, theirs, assume_unique=True))
    our_weights, their_weights = word_weights(ours), word_weights(theirs)
    norm = math.sqrt(float(our_weights @ our_weights) * float(their_weights @ their_weights))
    pairs, of_pairs = rows.pairs.of(row), items.pairs.of(item)
    numbers, of_numbers = rows.core_numbers[row], items.core_numbers[item]
    both, either = number_weight((numbers & of_numbers).items()), number_weight((numbers | of_numbers).items())
    samples, sample_share = sample_overlap(rows.samples[row], items.samples[item])
    return FunctionEvidence(
        cosine=float(shared @ shared) / max(norm, 1e-9),
        covered=float(shared.sum()) / max(float(our_weights.sum()), 1e-9),
        covering=float(shared.sum()) / max(float(their_weights.sum()), 1e-9),
        words=math.log1p(float(shared.sum())) / 4,
        pairs=len(np.intersect1d(pairs, of_pairs, assume_unique=True)) / max(4, min(len(pairs), len(of_pairs))),
        number_share=both / either if either else 0.5,
        numbers=math.log1p(both) / 3,
        samples=math.log1p(samples) / 3,
        sample_share=sample_share,
        lengths=abs(math.log((len(ours) + 3) / (len(theirs) + 3))),
    )


def _logistic(found: FunctionEvidence) -> float:
    value = _INTERCEPT + sum(c * part for c, part in zip(_COEFFICIENTS, found, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))
