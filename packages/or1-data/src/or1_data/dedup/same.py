"""Whether two documents with alike texts are the same problem: by answers, tests, and words that tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from or1_data.dedup.records import DedupRecord
from or1_data.text.frequencies import word_weight
from or1_data.text.words import content_words

SameAnswer = Callable[[str, str], bool | None]
"""Whether two math answers are the same, None where that cannot be said; a verifier's word where one is handed in."""
Passes = Callable[[str, str], bool | None]
"""Whether a program passes the tests of a ground truth (JSON text), None where that cannot be said."""

_TELLING_TEXT: Final = """
not no nor without never none least most minimum maximum minimal maximal minimize maximize smallest largest smaller
larger shortest longest less more fewer greater lower upper higher odd even first last second third positive negative
nonnegative increasing decreasing ascending descending distinct different equal unequal sorted unsorted directed
undirected weighted easy hard medium simple difficult before after inside outside above below left right ii iii iv true
false any all exactly
"""
_TELLING: Final = frozenset(_TELLING_TEXT.split())
"""Words that turn a problem into another one."""
_TELLING_SYMBOLS: Final = frozenset({"'", "''", "!", "^"})
_WEIGHT: Final = 2.0
"""A content word of at least so many nats on each side, and the two texts speak of different things."""
_ALIKE_LETTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Comparison:
    """How ground truths are compared; without a verifier only what is typed alike is the same."""

    same_answer: SameAnswer | None = None
    passes: Passes | None = None

    def agree(self, one: DedupRecord, other: DedupRecord) -> bool | None:
        """Whether the ground truths of two rows with the same text agree; None where that cannot be said.

        Math: an answer in common. Code: tests that contradict each other nowhere, and programs that pass both.
        """
        if one.kind != other.kind or one.entry_point != other.entry_point:
            return False
        if one.kind == "answer":
            if one.canonical_answers & other.canonical_answers:
                return True
            alike = self.same_answer
            return _any(alike(a, b) for a in one.answers for b in other.answers) if alike else False
        if any(other.tests.get(given, wanted) != wanted for given, wanted in one.tests.items()):
            return False
        return self._programs_agree(one, other)

    def are_copies(self, kept: DedupRecord, other: DedupRecord) -> bool:
        """Whether a row with a similar text is a copy of the one that stays: in doubt it is not."""
        if kept.numbers != other.numbers or kept.signature != other.signature or tells_apart(kept.tokens, other.tokens):
            return False
        if kept.kind == "answer":
            return self.agree(kept, other) is True
        shared = kept.tests.keys() & other.tests.keys()
        proved = bool(shared) or (self.passes is not None and bool(kept.solution) and bool(other.ground_truth))
        return proved and self.agree(kept, other) is True

    def _programs_agree(self, kept: DedupRecord, other: DedupRecord) -> bool | None:
        if self.passes is None or not kept.solution or kept.tests == other.tests:
            return True
        return self.passes(kept.solution, other.ground_truth)


def tells_apart(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two token lists differ in words or signs that make another problem.

    That is a word such as `not` or `largest` on one side, a prime, a factorial or more of a formula on one side, or
    content words, letters or operators in place of others. Words that are only added (a title, a source) do not tell
    two problems apart, nor does a misspelled word.
    """
    ours, theirs = Counter(one), Counter(other)
    added, missing = ours - theirs, theirs - ours
    changed = added.keys() | missing.keys()
    if changed & (_TELLING | _TELLING_SYMBOLS):
        return True
    if any(_only_formula(side) for side in (added, missing)):
        return True
    if not added or not missing:
        return False
    symbols = [[token for token in side if not (len(token) > 1 and token.isalpha())] for side in (added, missing)]
    letters = [[token for token in side if token.isalpha() or token[0] == "\\"] for side in symbols]
    operators = [[token for token in side if token in "+-*/<>="] for side in symbols]
    if all(letters) or all(operators):
        return True
    words = [{word for word in content_words([token]) if word} for side in (added, missing) for token in side]
    mine = set().union(*words[: len(added)])
    yours = set().union(*words[len(added) :])
    return _telling(mine - yours, yours - mine)


def _only_formula(side: Counter[str]) -> bool:
    """Whether letters or operators were added, and no words that could have brought them along."""
    signs = [token for token in side if len(token) == 1 and (token.isalpha() or token in "+-*/^_=<>|")]
    return bool(signs) and not any(len(token) > 1 and token.isalpha() for token in side)


def _telling(mine: set[str], yours: set[str]) -> bool:
    heavy = [{word for word in side if word_weight(word) >= _WEIGHT} for side in (mine, yours)]
    pairs = [(a, b) for a in heavy[0] for b in heavy[1]]
    return bool(pairs) and not all(any(_misspelled(a, b) for b in heavy[1]) for a in heavy[0])


def _misspelled(one: str, other: str) -> bool:
    """Whether two words are one with a letter changed, left out or added."""
    if min(len(one), len(other)) < _ALIKE_LETTERS or abs(len(one) - len(other)) > 1:
        return False
    head = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[head + 1 :] in (other[head + 1 :], other[head:]) or one[head:] == other[head + 1 :]


def _any(found: Iterable[bool | None]) -> bool | None:
    """True if one is, else None if one is not known."""
    known = True
    for same in found:
        if same:
            return True
        known = known and same is not None
    return False if known else None
