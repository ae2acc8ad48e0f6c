"""Phrases that have a sign in mathematics (`all real numbers`), and conditions joined in other ways."""

from __future__ import annotations

import re
from typing import Final

from or1_reward.maths.parse.number_words import number_in_words
from or1_reward.maths.parse.vocabulary import COUNTS

_PHRASES: Final = {
    **{word: str(value) for value, word in enumerate(COUNTS)},
    **dict.fromkeys(
        ("all real numbers", "all reals", "all real", "real numbers", "the set of all real numbers"), "\\mathbb{R}"
    ),
    **dict.fromkeys(("all positive real numbers", "positive real numbers", "all positive reals"), "\\mathbb{R}^+"),
    **dict.fromkeys(("all negative real numbers", "negative real numbers", "all negative reals"), "\\mathbb{R}^-"),
    **dict.fromkeys(
        ("all nonnegative real numbers", "all non negative real numbers", "nonnegative real numbers"), "[0, \\infty)"
    ),
    **dict.fromkeys(("all integers", "the integers", "the set of all integers"), "\\mathbb{Z}"),
    **dict.fromkeys(("all positive integers", "positive integers"), "\\mathbb{Z}^+"),
    **dict.fromkeys(("all odd integers", "odd integers", "all odd numbers"), "\\{2k+1 : k \\in \\mathbb{Z}\\}"),
    **dict.fromkeys(("all even integers", "even integers", "all even numbers"), "\\{2k : k \\in \\mathbb{Z}\\}"),
    "half": "\\frac{1}{2}",
    "x is any real number": "\\mathbb{R}",
    "any real number": "\\mathbb{R}",
    **dict.fromkeys(
        (
            "no solution",
            "no solutions",
            "there are no real solutions",
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
    for rule in (_numbered, _excluded, _except, _ratio, _number_in_text, _quotient, _and_a_half, _compared, _range):
        if (found := rule(text)) is not None:
            return found
    if _RELATION.search(text):
        return _joined_conditions(text)
    inner = _IN_TEXT.sub(r"\1", text).strip("{} ")
    if len(text) > _LONGEST_PHRASE or not _LETTERS_ONLY.fullmatch(inner):
        return text
    if inner.startswith("-"):
        return f"-{positive}" if (positive := number_in_words(inner[1:])) else text
    return _PHRASES.get(plain_words(inner)) or number_in_words(inner) or text


def _excluded(text: str) -> str | None:
    r"""`x \ne 1, 2` as two conditions."""
    match = _EXCLUDED.fullmatch(text)
    return " , ".join(f"{match[1]} \\ne {value}" for value in match[2].split(",")) if match else None


def _except(text: str) -> str | None:
    r"""`\text{All real numbers except } 2` as a difference of sets."""
    match = _EXCEPT.fullmatch(text)
    return f"\\mathbb{{R}} \\setminus \\{{{_AND.sub(',', match[1])}\\}}" if match else None


def _ratio(text: str) -> str | None:
    r"""`3 \text{ to } 4` as `3 : 4`."""
    match = _RATIO.fullmatch(text)
    return f"{match[1]} : {match[2]}" if match else None


def _number_in_text(text: str) -> str | None:
    r"""`\text{17 cm}` as `17 \text{ cm}`."""
    match = _WHOLE_TEXT.fullmatch(text)
    if match is None:
        return None
    return f"{match[1]} \\text{{ {match[2]}}}" if match[2] else match[1]


def _quotient(text: str) -> str | None:
    """`9 R 2` as quotient and remainder."""
    match = _REMAINDER.fullmatch(text)
    return f"({match[1]}, \\text{{remainder}}, {match[2]})" if match else None


def _and_a_half(text: str) -> str | None:
    r"""`3 \text{ and a half}`."""
    match = _AND_A_HALF.fullmatch(text)
    return f"{match[1]}\\frac{{1}}{{2}}" if match else None


def _compared(text: str) -> str | None:
    r"""`\text{all real numbers greater than } 3` as `x > 3`."""
    match = _COMPARED.fullmatch(text) if "real" in text.casefold() else None
    return f"x {_COMPARISONS[match[1].casefold()]} {match[2]}" if match else None


def _range(text: str) -> str | None:
    r"""`\text{all integers from 1 to 10}` as a list."""
    match = _RANGE.fullmatch(text)
    return f"{match[1]} , \\ldots , {match[2]}" if match else None


_AND: Final = re.compile(r"\\text\s*\{\s*(?:and|or|,)\s*\}|\b(?:and|or)\b")
_REMAINDER: Final = re.compile(
    r"(-?\d+)\s*,?\s*(?:\\(?:text|mathrm|mbox)\s*\{\s*)?(?:with\s+)?(?:a\s+)?(?:[Rr]|remainder(?:\s+of)?)\s*[.:=]?\s*\}?\s*(\d+)"
)
_LETTERS_ONLY: Final = re.compile(r"-?[A-Za-z][A-Za-z\s'.-]*")
_IN_TEXT: Final = re.compile(r"^\\text\s*\{([^{}]*)\}$")
_AND_A_HALF: Final = re.compile(r"(-?\d+)\s*\\text\s*\{\s*and\s+(?:a|one)\s+half\s*\}")
_COMPARED: Final = re.compile(
    r"(?:\\text\s*\{\s*)?(?:the set of )?(?:all |any )?(?:real )?(?:numbers?|reals|values)(?: of)?(?: [a-z])?"
    r"(?: (?:that are|strictly))?"
    r" (greater than or equal to|less than or equal to|at least|at most|greater than|less than|above|below)\s*\}?\s*"
    r"(-?[^\s{}\\]{1,20}|-?\\[dt]?frac\{\d+\}\{\d+\}|-?\\sqrt\{?\d+\}?)\s*\}?",
    re.IGNORECASE,
)
_COMPARISONS: Final = {
    "greater than or equal to": "\\ge", "at least": "\\ge", "less than or equal to": "\\le", "at most": "\\le",
    "greater than": ">", "above": ">", "less than": "<", "below": "<",
}  # fmt: skip
_RANGE: Final = re.compile(
    r"(?:\\text\s*\{\s*)?(?:all )?(?:the )?(?:integers|whole numbers|natural numbers) from\s*\}?\s*"
    r"(-?\d{1,4})\s*(?:\\text\s*\{)?\s*(?:to|through)\s*\}?\s*(-?\d{1,4})\s*(?:inclusive)?\s*\}?",
    re.IGNORECASE,
)
_EXCEPT: Final = re.compile(
    r"(?:\\text\s*\{\s*)?(?:the set of )?(?:all )?(?:real numbers?|reals|real values)(?: of)?(?:"
    r" [a-z])?(?: except(?: for)?| other than| but| excluding| not equal to)"
    r"\s*\}?\s*(?:[a-z]\s*=\s*)?(.{1,60}?)\}?",
    re.IGNORECASE,
)
_EXCLUDED: Final = re.compile(r"([a-z])\s*(?:\\neq?|!=)\s*([^,<>=]{1,20}(?:,[^,<>=a-z]{1,20})+)")
_RATIO: Final = re.compile(r"(?:\\text\s*\{\s*)?(\d+(?:\.\d+)?)\s*(?:\\text\s*\{\s*to\s*\}|to)\s*(\d+(?:\.\d+)?)\s*\}?")
_WHOLE_TEXT: Final = re.compile(
    r"\\(?:text|textbf|mathrm|mbox)\s*\{\s*(?:the\s+)?(-?[\d,]*\.?\d+|\d{1,2}:\d\d)\s*\(?([^{}()\d+*/=<>^-]*)\)?\s*\}"
)
_PART: Final = re.compile(
    r"(?:^|[;,\s~}]|\\q?quad|\\\\|\\[ ,;:])\s*(?:\\(?:text|textbf|mathrm)\s*\{\s*)?(?:and\s+)?(?:[Pp]art\s*)?(?:\(\s*"
    r"([1-9]|[a-h]|i{1,3}|iv|v)\s*\)|([1-9]|[a-h])\))\s*[:.=]?\s*\}?"
)
_SEQUENCES: Final = (tuple("123456789"), tuple("abcdefgh"), ("i", "ii", "iii", "iv", "v"))
_BETWEEN_PARTS: Final = " ,;.~\\"


def _numbered(text: str) -> str | None:
    """`(1) 5; (2) 7` as the ordered pair of its parts; None where the text is not numbered from its beginning."""
    text = _IN_TEXT.sub(r"\1", text)
    marks = list(_PART.finditer(text))
    labels = [mark[1] or mark[2] for mark in marks]
    if (
        len(marks) < 2
        or marks[0].start() != 0
        or all(sequence[: len(labels)] != tuple(labels) for sequence in _SEQUENCES)
    ):
        return None
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    parts = [text[mark.end() : end].strip(_BETWEEN_PARTS) for mark, end in zip(marks, ends, strict=True)]
    parts = [re.sub(r"\\q?quad$", "", part).strip(_BETWEEN_PARTS) for part in parts]
    return f"({' , '.join(parts)})" if all(parts) else None


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
