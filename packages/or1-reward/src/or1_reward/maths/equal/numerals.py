r"""Numerals of a base: `(1011)_2`, `2A5_{12}`, `1011_{\text{two}}`, with letters for digits."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from or1_reward.maths.parse.vocabulary import COUNTS

_FONT: Final = re.compile(r"\\(?:text|mathrm|mathtt|texttt|textbf|mathbf|overline)\s*\{\s*([A-Za-z0-9 ]{1,12})\s*\}")
_NUMERAL: Final = re.compile(
    r"[({\[]*([0-9A-Za-z ]*\d[0-9A-Za-z ]*|[A-F]{2,})[)}\]]*\s*_\s*\{?\s*\(?\s*(?:base\s*)?(\d{1,2}"
    r"|[a-z]{3,7})\s*\)?\s*\}?"
)
_IN_BASE: Final = re.compile(r"[({\[]*([0-9A-Z ]+)[)}\]]*\s*(?:in\s+)?base[ -]*(\d{1,2}|[a-z]{3,7})")
_NAMES: Final = {
    **{word: value for value, word in enumerate(COUNTS)},
    "sixteen": 16,
    "hex": 16,
    "binary": 2,
    "octal": 8,
}


class Numeral(NamedTuple):
    """Digits and a base."""

    digits: str
    base: int


def numeral(text: str) -> Numeral | None:
    """The numeral that a text is; None for anything else."""
    plain = _FONT.sub(r"\1", text)
    match = _NUMERAL.fullmatch(plain.strip()) or _IN_BASE.fullmatch(plain.strip())
    if match is None:
        return None
    base = int(match[2]) if match[2].isdigit() else _NAMES.get(match[2], 0)
    digits = match[1].replace(" ", "").upper().lstrip("0") or "0"
    if not 2 <= base <= 36 or any(int(digit, 36) >= base for digit in digits):
        return None
    return Numeral(digits, base)


def compare_numerals(answer: str, gold: str) -> bool | None:
    """Same digits in the same base; the base may be left out beside letters. None where neither side has a base."""
    first, second = numeral(answer), numeral(gold)
    if first and second:
        return first == second
    known, bare = (first, gold) if first else (second, answer)
    if known is None:
        return None
    digits = _FONT.sub(r"\1", bare).replace(" ", "").strip("{}()").upper().lstrip("0")
    return digits == known.digits if digits.isalnum() and digits.isascii() else None
