"""Exact numbers from digits, however many."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from or1_reward.maths.parse.tokens import ParseError

MAX_DIGITS: Final = 100_000
MAX_EXPONENT: Final = 5_000
_CHUNK: Final = 4_000  # CPython refuses to read more digits at once than sys.get_int_max_str_digits()


def exact_int(digits: str) -> int:
    """A whole number of any length; halves are read apart, so that no interpreter limit is met."""
    if len(digits) <= _CHUNK:
        return int(digits)
    if len(digits) > MAX_DIGITS:
        raise ParseError(f"a number of more than {MAX_DIGITS} digits")
    middle = len(digits) // 2
    shift: int = 10 ** (len(digits) - middle)
    return exact_int(digits[:middle]) * shift + exact_int(digits[middle:])


def exact_number(text: str) -> Fraction:
    """`12`, `.5`, `42.`, `3e8` as a fraction."""
    if text.isdigit():
        return Fraction(exact_int(text))
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    if exponent and (len(exponent) > 6 or abs(int(exponent)) > MAX_EXPONENT):
        raise ParseError("an exponent of ten out of range")
    value = Fraction(exact_int((whole + decimals) or "0"), 10 ** len(decimals))
    return value * Fraction(10) ** int(exponent) if exponent else value
