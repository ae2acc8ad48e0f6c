"""Phrases that have a sign in mathematics (`all real numbers`), and conditions joined in other ways."""

from __future__ import annotations

import re
from typing import Final

from or1_reward.maths.parse.vocabulary import COUNTS

_PHRASES: Final = {
    **{word: str(value) for value, word in enumerate(COUNTS)},
    **dict.fromkeys(
        ("all real numbers", "all reals", "all real", "real numbers", "the set of all real numbers"), "\\mathbb{R}"
    ),
    **dict.fromkeys(
        (
            "no solution",
            "no solutions",
            "no real solution",
            "no real solutions",
            "there is no solution",
            "empty set",
            "the empty set",
            "there are no solutions",
            "emptyset",
        ),
        "\\emptyset",
    ),
}


def plain_words(text: str) -> str:
    """The words of a text without case and punctuation."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.casefold()).split())


def as_formula(text: str) -> str:
    """A phrase that has a sign in mathematics as that sign (`all real numbers`, `9 R 2` as quotient and remainder)."""
    if len(text) > _LONGEST_CONDITIONS:
        return text
    if division := _REMAINDER.fullmatch(text):
        return f"({division[1]}, \\text{{remainder}}, {division[2]})"
    if _RELATION.search(text):
        return _joined_conditions(text)
    if len(text) > _LONGEST_PHRASE:
        return text
    return _PHRASES.get(plain_words(text.removeprefix("\\text").strip("{} ")), text)


_REMAINDER: Final = re.compile(
    r"(-?\d+)\s*,?\s*(?:\\(?:text|mathrm|mbox)\s*\{\s*)?(?:with\s+)?(?:a\s+)?(?:[Rr]|remainder(?:\s+of)?)\s*[.:=]?\s*\}?\s*(\d+)"
)
_LONGEST_PHRASE: Final = 60
_LONGEST_CONDITIONS: Final = 300
_RELATION: Final = re.compile(r"[<>]|\\(?:le|ge|lt|gt)")
_BRACKETED: Final = re.compile(r"\([^()]*\)")
_BRACKETS: Final = frozenset("()[]{}")


def _joined_conditions(text: str) -> str:
    r"""Conditions joined as sympy prints them (`(0 < x) & (x < 1)`) or as if they were sets (`x < 1 \cup x > 2`)."""
    outside = _BRACKETED.sub(" ", text).split()
    inside = _BRACKETED.findall(text)
    if outside in (["&"] * len(outside), ["|"] * len(outside)) and all(map(_RELATION.search, inside)):
        return text.replace("&", " and ").replace("|", " or ")
    parts = text.split("\\cup")
    if _BRACKETS.isdisjoint(text) and all(map(_RELATION.search, parts)):
        return " or ".join(parts)
    return text
