"""Numbers in English words: `twenty-five`, `one hundred and three`, `three fourths`."""

from __future__ import annotations

import re
from typing import Final

_UNIT_WORDS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TEN_WORDS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS: Final = {word: value for value, word in enumerate(_UNIT_WORDS)}
_TENS: Final = {word: 10 * value for value, word in enumerate(_TEN_WORDS, 2)}
_SCALES: Final = {"thousand": 1_000, "million": 1_000_000, "billion": 10**9}
_PART_WORDS: Final = ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PARTS: Final = {
    **{"half": 2, "halves": 2, "quarter": 4, "quarters": 4},
    **{f"{word}{plural}": value for value, word in enumerate(_PART_WORDS, 3) for plural in ("", "s")},
}
_MOST_WORDS: Final = 16
_WORDS: Final = re.compile(r"[a-z]+(?:[\s-]+[a-z]+)*")


def number_in_words(text: str) -> str | None:
    """The number or fraction as a formula; None where the text is anything else."""
    text = text.casefold().strip()
    if not _WORDS.fullmatch(text):
        return None
    words = [word for word in re.split(r"[\s-]+", text) if word]
    if len(words) > _MOST_WORDS:
        return None
    if words[0] in ("negative", "minus"):
        positive = _positive(words[1:])
        return None if positive is None else f"-{positive}"
    return _positive(words)


def _positive(words: list[str]) -> str | None:
    if not words:
        return None
    if words[-1] in _PARTS and len(words) > 1:
        top = 1 if words[:-1] in (["a"], ["one"]) else _whole(words[:-1])
        return None if not top else f"\\frac{{{top}}}{{{_PARTS[words[-1]]}}}"
    whole = _whole(words)
    return None if whole is None else str(whole)


def _whole(words: list[str]) -> int | None:
    """A whole number; every group is hundreds, tens and units before a scale that gets smaller."""
    total, group, seen, limit = 0, 0, False, 10**12
    for at, word in enumerate(words):
        if word == "and" and seen and at + 1 < len(words):
            continue
        if word == "a" and at == 0 and len(words) > 1:
            group = 1
        elif (
            word in _UNITS
            and (group % 100 == 0 or (_UNITS[word] < 10 and group % 100 >= 20 and group % 10 == 0))
            and (group or not seen or total)
        ):
            group += _UNITS[word]
        elif word in _TENS and group % 100 == 0:
            group += _TENS[word]
        elif word == "hundred" and 0 < group < 100:
            group *= 100
        elif word in _SCALES and group > 0 and _SCALES[word] < limit:
            limit = _SCALES[word]
            total, group = total + group * limit, 0
        else:
            return None
        seen = True
    return total + group if seen else None
