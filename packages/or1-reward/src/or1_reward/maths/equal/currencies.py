"""Currencies on both sides of a comparison: a missing one is forgiven, another one is not."""

from __future__ import annotations

import re
from typing import Final

_SIGNS: Final = {
    "$": r"\\\$|\bdollars?\b|\bUSD\b",
    "¢": r"¢|\bcents?\b",
    "€": r"€|\beuros?\b|\bEUR\b",
    "£": r"£|\bGBP\b",
    "¥": r"¥|\byen\b|\byuan\b|\bRMB\b|\bCNY\b|\bJPY\b|元",
    "₹": r"₹|\brupees?\b|\bRs\b|\bINR\b",
}
_PATTERNS: Final = {sign: re.compile(pattern) for sign, pattern in _SIGNS.items()}
_MOST_CHARS: Final = 400


def different_currencies(answer: str, gold: str) -> bool:
    r"""Whether both texts name a currency, and none in common (`\$500` and `€500`)."""
    if len(answer) + len(gold) > _MOST_CHARS:
        return False
    wanted = _currencies(gold)
    return bool(wanted) and bool(given := _currencies(answer)) and given.isdisjoint(wanted)


def _currencies(text: str) -> set[str]:
    return {sign for sign, pattern in _PATTERNS.items() if pattern.search(text)}
