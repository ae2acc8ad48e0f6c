"""What statements are compared by: token 3-grams, the same with numbers masked, words, pairs of words, and numbers.

Words and pairs are those of the part that says what is asked (`core_text`).

Axes: D documents; each kind of feature is CSR over D (`Shingles`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from or1_data.text.canonical import canonical_tokens
from or1_data.text.core import core_text
from or1_data.text.shingles import Shingles, shingles_of_tokens
from or1_data.text.words import content_words, formula, masked, numbers, word_pairs

NGRAM: Final = 3
KINDS: Final = ("grams", "masked", "words", "pairs")


@dataclass(frozen=True, slots=True)
class Features:
    """The features of D statements."""

    grams: Shingles
    masked: Shingles
    words: Shingles
    pairs: Shingles
    numbers: list[Counter[str]]
    core_numbers: list[Counter[str]]
    """The numbers of the part that says what is asked."""
    formulas: list[Counter[str]]
    exact: list[str]
    """Hash of the text as typed, spaces aside."""
    canonical: list[str]
    """Hash of the canonical tokens."""

    def kind(self, name: str) -> Shingles:
        """Features of one kind by name."""
        return {"grams": self.grams, "masked": self.masked, "words": self.words, "pairs": self.pairs}[name]


def features(texts: Sequence[str]) -> Features:
    """The features of some statements."""
    tokens = [canonical_tokens(text) for text in texts]
    cores = [core_text(text) for text in texts]
    core_tokens = [
        found if core is text else canonical_tokens(core)
        for text, core, found in zip(texts, cores, tokens, strict=True)
    ]
    words = [content_words(found) for found in core_tokens]
    return Features(
        grams=shingles_of_tokens(tokens, NGRAM),
        masked=shingles_of_tokens([masked(found) for found in tokens], NGRAM),
        words=shingles_of_tokens(words, 1),
        pairs=shingles_of_tokens([word_pairs(found) for found in words], 1),
        numbers=[numbers(found) for found in tokens],
        core_numbers=[numbers(found) for found in core_tokens],
        formulas=[formula(found) for found in core_tokens],
        exact=[_hash(" ".join(text.split())) for text in texts],
        canonical=[_hash(" ".join(found)) for found in tokens],
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
