"""What statements are compared by: token 3-grams, the same with numbers masked, words, pairs of words, and numbers.

Words and pairs are those of the part that says what is asked (`core_text`). Against a benchmark of programming
problems, the words of code are those of its comments and names, and the literals of samples and tests count, too.

Axes: D documents; each kind of feature is CSR over D (`Shingles`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from or1_data.decontaminate.answers import answer_of, answer_weight
from or1_data.decontaminate.cases import cases, spans
from or1_data.text.canonical import canonical_tokens
from or1_data.text.core import core_text
from or1_data.text.program import Told, told
from or1_data.text.shingles import Shingles, shingles_of_tokens
from or1_data.text.words import content_words, masked, numbers, word_pairs

NGRAM: Final = 3
KINDS: Final = ("grams", "masked", "words", "pairs")
_SHORT_HASH: Final = 12


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
    exact: list[str]
    """Hash of the text as typed, spaces aside."""
    canonical: list[str]
    """Hash of the canonical tokens."""
    samples: list[dict[str, float]]
    """Hashes of the literals in a row, three at a time, and the nats of each; empty where no code is compared."""
    tests: list[dict[str, float]]
    """The same of whole tests, from the ground truth."""
    answers: list[str]
    """Hash of the answer of a math problem; empty where it is not known."""
    answer_weights: list[float]
    """How telling the answer is, in nats: that both have the answer 2 says little."""
    is_code: list[bool]
    """Whether the statement is a function to complete."""
    has_formula: list[bool]
    """Whether the statement has a formula in LaTeX."""

    def kind(self, name: str) -> Shingles:
        """Features of one kind by name."""
        return {"grams": self.grams, "masked": self.masked, "words": self.words, "pairs": self.pairs}[name]


def features(texts: Sequence[str], truths: Sequence[str] | None = None, *, code: bool = False) -> Features:
    """The features of some statements, with their ground truths (JSON text) if known; `code` where code is compared."""
    tokens = [canonical_tokens(text) for text in texts]
    parts = [told(text) if code else Told(core_text(text), [], False) for text in texts]
    core_tokens = [
        found if part.words is text else canonical_tokens(part.words)
        for text, part, found in zip(texts, parts, tokens, strict=True)
    ]
    words = [content_words(found) for found in core_tokens]
    named = [[*own, *content_words(part.names)] for own, part in zip(words, parts, strict=True)]
    nothing: list[dict[str, float]] = [{}] * len(texts)
    known = [answer_of(truth) for truth in truths] if truths else [""] * len(texts)
    return Features(
        grams=shingles_of_tokens(tokens, NGRAM),
        masked=shingles_of_tokens([masked(found) for found in tokens], NGRAM),
        words=shingles_of_tokens(named, 1),
        pairs=shingles_of_tokens([word_pairs(found) for found in words], 1),
        numbers=[numbers(found) for found in tokens],
        core_numbers=[numbers(found) for found in core_tokens],
        exact=[_hash(" ".join(text.split())) for text in texts],
        canonical=[_hash(" ".join(found)) for found in tokens],
        samples=[_hashed(spans(text)) for text in texts] if code else nothing,
        tests=[_hashed(cases(truth)) for truth in truths] if code and truths else nothing,
        answers=[_hash(answer) if answer else "" for answer in known],
        answer_weights=[answer_weight(answer) if answer else 0.0 for answer in known],
        is_code=[part.is_code for part in parts],
        has_formula=["\\" in text or (text.count("$") > 1 and "=" in text) for text in texts],
    )


def _hashed(weights: dict[str, float]) -> dict[str, float]:
    return {_hash(text)[:_SHORT_HASH]: round(weight, 2) for text, weight in weights.items()}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
