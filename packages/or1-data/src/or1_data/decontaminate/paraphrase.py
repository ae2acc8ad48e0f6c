"""Whether a row says in other words what an item says: a logistic score of shared words, pairs of words and numbers.

Each part is weighed by how telling it is (`or1_data.text.frequencies`): that two texts share `237` and `eggnog` says
more than that they share `2` and `buy`. That the answers agree counts, that they do not is held against nobody: a row
may come without its answer. The coefficients were fitted by `benchmarks/data_paraphrase_fit.py`.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from or1_data.decontaminate.features import Features
from or1_data.text.frequencies import number_weight, word_weights


class Evidence(NamedTuple):
    """What speaks for and against a paraphrase; the weights are in nats."""

    cosine: float
    """Cosine of the weighted words."""
    covered: float
    """Share of the row's weighted words that the item has."""
    words: float
    """Logarithm of the weight of the shared words."""
    number_share: float
    """Weight of the shared numbers over that of all; one half where there are none."""
    numbers: float
    """Logarithm of the weight of the shared numbers, samples included."""
    numbers_missed: float
    """Logarithm of the weight of the item's numbers that the row has not."""
    numbers_added: float
    """Logarithm of the weight of the row's numbers that the item has not."""
    pairs: float
    """Share of the pairs of neighboring words of the text with fewer."""
    lengths: float
    """Absolute logarithm of the ratio of the numbers of words."""
    answer: float
    """Logarithm of the weight of the answer, if both are known to have the same."""


_INTERCEPT: Final = -12.9
_COEFFICIENTS: Final = Evidence(2.8, 2.7, 9.8, 2.0, 7.8, -2.5, -4.5, -0.1, -1.4, 4.9)


def evidence(rows: Features, row: int, items: Features, item: int) -> Evidence:
    """The evidence on one row and one item."""
    ours, theirs = rows.words.of(row), items.words.of(item)
    shared = word_weights(np.intersect1d(ours, theirs, assume_unique=True))
    our_weights, their_weights = word_weights(ours), word_weights(theirs)
    norm = math.sqrt(float(our_weights @ our_weights) * float(their_weights @ their_weights))
    pairs, of_pairs = rows.pairs.of(row), items.pairs.of(item)
    return Evidence(
        cosine=float(shared @ shared) / max(norm, 1e-9),
        covered=float(shared.sum()) / max(float(our_weights.sum()), 1e-9),
        words=math.log1p(float(shared.sum())) / 4,
        **_numbers(rows, row, items, item),
        pairs=len(np.intersect1d(pairs, of_pairs, assume_unique=True)) / max(1, min(len(pairs), len(of_pairs))),
        lengths=abs(math.log((len(ours) + 3) / (len(theirs) + 3))),
        answer=math.log1p(rows.answer_weights[row]) / 3 if _same_answer(rows, row, items, item) else 0.0,
    )


def _same_answer(rows: Features, row: int, items: Features, item: int) -> bool:
    return bool(rows.answers[row]) and rows.answers[row] == items.answers[item]


def _numbers(rows: Features, row: int, items: Features, item: int) -> dict[str, float]:
    ours, theirs = rows.core_numbers[row], items.core_numbers[item]
    shared, added, missed = (number_weight(part.items()) for part in (ours & theirs, ours - theirs, theirs - ours))
    everywhere = number_weight((rows.numbers[row] & items.numbers[item]).items())
    union = shared + added + missed
    return {
        "number_share": shared / union if union else 0.5,
        "numbers": math.log1p(everywhere) / 3,
        "numbers_missed": math.log1p(missed) / 3,
        "numbers_added": math.log1p(added) / 3,
    }


def paraphrase_score(found: Evidence) -> float:
    """Between 0 and 1; not a probability, for that depends on how many rows are paraphrases."""
    value = _INTERCEPT + sum(c * part for c, part in zip(_COEFFICIENTS, found, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))
