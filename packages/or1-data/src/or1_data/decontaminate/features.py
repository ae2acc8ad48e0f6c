"""What statements are compared by: token 3-grams, the same with numbers masked, content words, and numbers.

Axes: D documents; each kind of feature is CSR over D (`Shingles`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from or1_data.text.canonical import canonical_tokens
from or1_data.text.shingles import Shingles, shingles_of_tokens
from or1_data.text.words import content_words, formula, masked, numbers

NGRAM: Final = 3
KINDS: Final = ("grams", "masked", "words")


@dataclass(frozen=True, slots=True)
class Features:
    """The features of D statements."""

    grams: Shingles
    masked: Shingles
    words: Shingles
    numbers: list[Counter[str]]
    formulas: list[Counter[str]]
    exact: list[str]
    """Hash of the text as typed, spaces aside."""
    canonical: list[str]
    """Hash of the canonical tokens."""

    def kind(self, name: str) -> Shingles:
        """Features of one kind by name."""
        return {"grams": self.grams, "masked": self.masked, "words": self.words}[name]


def features(texts: Sequence[str]) -> Features:
    """The features of some statements."""
    tokens = [canonical_tokens(text) for text in texts]
    return Features(
        grams=shingles_of_tokens(tokens, NGRAM),
        masked=shingles_of_tokens([masked(found) for found in tokens], NGRAM),
        words=shingles_of_tokens([content_words(found) for found in tokens], 1),
        numbers=[numbers(found) for found in tokens],
        formulas=[formula(found) for found in tokens],
        exact=[_hash(" ".join(text.split())) for text in texts],
        canonical=[_hash(" ".join(found)) for found in tokens],
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
