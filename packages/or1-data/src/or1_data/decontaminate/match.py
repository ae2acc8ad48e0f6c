"""The row side: candidates by shared features, then scores both ways, then a class.

Axes: R rows of a batch, B benchmark items.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from or1_data.decontaminate.features import Features, features
from or1_data.decontaminate.index import BenchmarkIndex, Inverted, unseen_weight
from or1_data.decontaminate.paraphrase import evidence, paraphrase_score
from or1_data.decontaminate.program import Literals, program_score, shared_tests
from or1_data.text.frequencies import word_weights
from or1_data.text.shingles import I64, U32, Shingles
from or1_data.text.words import inclusion, number_similarity

Class = Literal["verbatim", "reformatted", "number_changed", "paraphrase", "template"]
CLASSES: Final[tuple[Class, ...]] = ("verbatim", "reformatted", "number_changed", "paraphrase", "template")
_CANDIDATES: Final = 4
_DENSE_CELLS: Final = 1 << 18
"""Cells of the table of rows and items: larger ones no longer fit into a cache, and take memory."""
_SHORT: Final = 6
"""An item of so few 3-grams matches only a row that is little more than the item."""

_LEAST_COSINE: Final = 0.2
"""Below it, words have too little in common for a closer look."""
_LEAST_COSINE_OF_ANSWER: Final = 0.1
"""The same for an item with the row's answer: who rewords a problem well keeps its answer and few of its words."""


_WHOLE: Final = 0.9
"""Share of the row's 3-grams in the item from which the two texts are one."""
_FEW_WORDS: Final = 4
_FORMULA_CONTAINED: Final = 0.5
_NUMBERS: Final = 0.21
_NUMBERS_OF_FORMULA: Final = 0.5
"""Similarity of the numbers that a reworded item keeps; more where formulas are the problem and answers are unknown."""
_TELLING_WORD: Final = 2.0
"""Nats of a word that speaks of something else."""


_NONE: Final[I64] = np.zeros(0, np.int64)


class DecontaminateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What overlap is called what; each threshold is on a score between 0 and 1.

    The defaults keep false alarms on sets written for the same purpose (GSM8K train against test) below one in a
    thousand rows; `benchmarks/data_decontaminate.py` measures them.
    """

    reformatted: float = 0.8
    """Weighted share of the item's 3-grams that the row has."""
    number_changed: float = 0.8
    """The same with all numbers masked."""
    paraphrase: float = 0.8
    """The score of `or1_data.decontaminate.paraphrase`, for math items."""
    paraphrase_code: float = 0.92
    """The score of `or1_data.decontaminate.program`, for code items."""
    template: float = 0.5
    """What is still reported, and never removed by default."""


class Match(NamedTuple):
    """A row's strongest overlap: class, score, and the parts it is made of."""

    kind: Class
    score: float
    item: int
    contained: float
    """Weighted share of the item's 3-grams found in the row."""
    containing: float
    """Weighted share of the row's 3-grams found in the item."""
    masked: float
    """`contained` with numbers masked."""
    words: float
    """Cosine of content words."""
    numbers: float
    """Similarity of the number multisets."""
    tests: float = 0.0
    """For code: how far the tests that both have are enough by themselves."""


class Matcher:
    """Matches rows against an index, in batches."""

    def __init__(self, index: BenchmarkIndex, settings: DecontaminateSettings | None = None) -> None:
        """Take the index and the thresholds."""
        self.index = index
        self.settings = settings or DecontaminateSettings()
        self._rows = max(1, min(512, _DENSE_CELLS // max(1, len(index.items))))
        self._exact = {text: item for item, text in reversed(list(enumerate(index.features.exact)))}
        self._canonical = {text: item for item, text in reversed(list(enumerate(index.features.canonical)))}
        self._literals = Literals(index.features)
        self._with_answer = _by_answer(index.features.answers)

    def match(self, texts: Sequence[str], truths: Sequence[str] = ()) -> list[Match | None]:
        """The strongest overlap of each statement, None where there is nothing worth reporting.

        `truths` are the ground truths (JSON text) in the same order, if known: tests of code are compared, too.
        """
        found: list[Match | None] = []
        for start in range(0, len(texts), self._rows):
            end = start + self._rows
            found += self._batch(features(texts[start:end], truths[start:end], code=self.index.has_code))
        return found

    def _batch(self, rows: Features) -> list[Match | None]:
        count = len(rows.exact)
        if not self.index.items or not count:
            return [None] * count
        shared = self._shared(rows.masked, self.index.inverted["masked"], squared=False)
        contained = shared / np.maximum(self.index.inverted["masked"].item_weight[None, :], 1e-9)
        cosine = self.cosines(rows)
        return [self._best(rows, row, contained[row], cosine[row]) for row in range(count)]

    def cosines(self, rows: Features) -> np.ndarray:
        """[R, B] cosine of the weighted words of row and item."""
        inverted = self.index.inverted["words"]
        shared = self._shared(rows.words, inverted, squared=True)
        cosines: np.ndarray = shared / np.maximum(_norms(rows.words)[:, None] * inverted.item_norm[None, :], 1e-9)
        return cosines

    def _shared(self, rows: Shingles, inverted: Inverted, *, squared: bool) -> np.ndarray:
        """[R, B] weight (or squared weight) of the features that row and item share."""
        row = np.repeat(np.arange(len(rows), dtype=np.int64), np.diff(rows.offsets))
        position, known = inverted.locate(rows.values)
        row, position = row[known], position[known]
        lengths = inverted.offsets[position + 1] - inverted.offsets[position]
        ends = np.cumsum(lengths)
        count = int(ends[-1]) if len(ends) else 0
        items = inverted.items[np.arange(count) + np.repeat(inverted.offsets[position] - (ends - lengths), lengths)]
        weights = inverted.weights[position] ** (2 if squared else 1)
        size = len(self.index.items)
        cells = np.bincount(
            np.repeat(row * size, lengths) + items, np.repeat(weights, lengths), minlength=len(rows) * size
        )
        return cells.reshape(len(rows), size)

    def _best(self, rows: Features, row: int, contained: np.ndarray, cosine: np.ndarray) -> Match | None:
        if rows.exact[row] in self._exact:
            return Match("verbatim", 1.0, self._exact[rows.exact[row]], 1.0, 1.0, 1.0, 1.0, 1.0)
        if rows.canonical[row] in self._canonical and len(rows.grams.of(row)):
            return Match("reformatted", 1.0, self._canonical[rows.canonical[row]], 1.0, 1.0, 1.0, 1.0, 1.0)
        by_words = {*_top(contained, self.settings.template), *_top(cosine, _LEAST_COSINE)}
        same = self._with_answer.get(rows.answers[row], _NONE)
        by_answer = same[_top(cosine[same], _LEAST_COSINE_OF_ANSWER)].tolist()
        candidates = by_words | set(by_answer) | set(self._literals.candidates(rows, row, _CANDIDATES))
        matches = [self._scored(rows, row, item, float(contained[item]), float(cosine[item])) for item in candidates]
        ranked = [match for match in matches if match is not None]
        return min(ranked, key=lambda match: (CLASSES.index(match.kind), -match.score, match.item), default=None)

    def _scored(self, rows: Features, row: int, item: int, masked: float, cosine: float) -> Match | None:
        overlap = _Overlap(self.index, rows, row, item, masked, cosine)
        kind, score = classify(overlap, self.settings)
        if kind is None:
            return None
        return Match(
            kind,
            min(score, 1.0),
            item,
            overlap.contained,
            overlap.containing,
            masked,
            cosine,
            overlap.numbers,
            shared_tests(rows, row, self.index.features, item),
        )


class _Overlap:
    """Everything that the class of a pair depends on, each found out when it is first asked for: most need little."""

    def __init__(self, index: BenchmarkIndex, rows: Features, row: int, item: int, masked: float, words: float) -> None:
        self.index, self.rows, self.row, self.item = index, rows, row, item
        self.masked, self.words = masked, words
        theirs, self._grams = index.features, index.inverted["grams"]
        self.code = index.items[item].ability == "code"
        self.formula = theirs.has_formula[item]
        """Whether the item has a formula in LaTeX."""
        self.size = len(theirs.grams.of(item))
        self.few_words = len(theirs.words.of(item)) < _FEW_WORDS
        """Whether the item is a formula with few words around it, such as `Simplify ...`."""
        self.answers = _answers_agree(rows.answers[row], theirs.answers[item])
        """Whether the answers are the same; None where one is not known."""

    @cached_property
    def _common(self) -> float:
        common = np.intersect1d(
            self.rows.grams.of(self.row), self.index.features.grams.of(self.item), assume_unique=True
        )
        return float(self._grams.weights[self._grams.locate(common)[0]].sum())

    @property
    def contained(self) -> float:
        return self._common / max(float(self._grams.item_weight[self.item]), 1e-9)

    @cached_property
    def containing(self) -> float:
        own = _weight(self.rows.grams.of(self.row), self._grams, len(self.index.items))
        return self._common / max(own, 1e-9)

    @cached_property
    def numbers(self) -> float:
        return number_similarity(self.rows.numbers[self.row], self.index.features.numbers[self.item])

    @cached_property
    def included(self) -> float:
        return inclusion(self.index.features.numbers[self.item], self.rows.numbers[self.row])

    @cached_property
    def paraphrase(self) -> float:
        theirs = self.index.features
        if self.code:
            return program_score(self.rows, self.row, theirs, self.item, self.words)
        return paraphrase_score(evidence(self.rows, self.row, theirs, self.item))

    @cached_property
    def other_words(self) -> bool:
        """Whether each side has a telling word that the other has not."""
        return _other_words(self.rows.words.of(self.row), self.index.features.words.of(self.item))


def classify(overlap: _Overlap, limits: DecontaminateSettings) -> tuple[Class | None, float]:
    """The class of an overlap and its score; None where it is not worth reporting."""
    o = overlap
    alone = o.size > _SHORT or o.containing >= 0.6  # a short item inside a long row is a phrase, not the problem
    if o.contained >= limits.reformatted and alone and o.included == 1.0 and not _is_another(o):
        return "reformatted", o.contained
    if o.masked >= limits.number_changed and o.size > _SHORT and o.words >= 0.6:
        return "number_changed", o.masked
    if o.paraphrase >= limits.paraphrase_code if o.code else _is_paraphrase(o, limits):
        return "paraphrase", o.paraphrase
    score = max(o.contained, o.masked)
    return ("template", score / 2) if score >= limits.template and o.size > _SHORT else (None, 0.0)


def _is_another(o: _Overlap) -> bool:
    """Whether a row with the item's text asks for something else: other words, or a part only and another answer."""
    is_part = o.contained < _WHOLE <= o.containing
    return (o.other_words and o.answers is not True) or (is_part and o.answers is False)


def _is_paraphrase(o: _Overlap, limits: DecontaminateSettings) -> bool:
    """Whoever rewords a math problem keeps its answer and, where formulas are the problem, their numbers.

    The score comes last: it costs the most.
    """
    if o.answers is False:
        return False
    if o.few_words:
        kept = o.contained >= _FORMULA_CONTAINED
    elif not o.formula and o.included == 1.0 and o.numbers > 0:
        kept = True
    else:
        kept = o.numbers >= (_NUMBERS if o.answers or not o.formula else _NUMBERS_OF_FORMULA)
    return kept and o.paraphrase >= limits.paraphrase


def _by_answer(answers: Sequence[str]) -> dict[str, I64]:
    found: dict[str, list[int]] = {}
    for item, answer in enumerate(answers):
        if answer:
            found.setdefault(answer, []).append(item)
    return {answer: np.array(items, dtype=np.int64) for answer, items in found.items()}


def _answers_agree(ours: str, theirs: str) -> bool | None:
    return ours == theirs if ours and theirs else None


def _other_words(ours: U32, theirs: U32) -> bool:
    sides = (np.setdiff1d(ours, theirs, assume_unique=True), np.setdiff1d(theirs, ours, assume_unique=True))
    return all(len(side) and float(word_weights(side).max()) >= _TELLING_WORD for side in sides)


def _top(scores: np.ndarray, least: float) -> list[int]:
    """The few best items at or above `least`."""
    good = np.flatnonzero(scores >= least)
    if len(good) > _CANDIDATES:
        good = good[np.argpartition(-scores[good], _CANDIDATES)[:_CANDIDATES]]
    return [int(item) for item in good]


def _weight(values: np.ndarray, inverted: Inverted, count: int) -> float:
    position, known = inverted.locate(values)
    return float(inverted.weights[position[known]].sum() + (~known).sum() * unseen_weight(count))


def _norms(words: Shingles) -> np.ndarray:
    """[R] Euclidean norms of the weighted words."""
    row: I64 = np.repeat(np.arange(len(words), dtype=np.int64), np.diff(words.offsets))
    return np.sqrt(np.bincount(row, word_weights(words.values) ** 2, minlength=len(words)))
