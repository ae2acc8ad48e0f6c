"""Functions of rational numbers whose values are rational and small enough to be written down."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final

_MAX_FACTORIAL: Final = 5_000
_MAX_BINOMIAL: Final = 20_000


def _factorial(value: Fraction) -> Fraction | None:
    small = value.denominator == 1 and 0 <= value <= _MAX_FACTORIAL
    return Fraction(math.factorial(int(value))) if small else None


def _double_factorial(value: Fraction) -> Fraction | None:
    small = value.denominator == 1 and 0 <= value <= 2000
    return Fraction(math.prod(range(int(value), 0, -2))) if small else None


def _binomial(top: Fraction, bottom: Fraction) -> Fraction | None:
    small = top.denominator == bottom.denominator == 1 and max(bottom, top) <= _MAX_BINOMIAL and min(bottom, top) >= 0
    return Fraction(math.comb(int(top), int(bottom))) if small else None


def _gcd(*values: Fraction) -> Fraction | None:
    """Also of fractions: gcd(1/2, 3) is 1/2, the largest number of which both are whole multiples."""
    bottom = math.lcm(*(value.denominator for value in values))
    return Fraction(math.gcd(*(int(value * bottom) for value in values)), bottom)


def _lcm(*values: Fraction) -> Fraction | None:
    """Also of fractions: lcm(1/2, 3) is 3, the smallest number that is a whole multiple of both."""
    return Fraction(
        math.lcm(*(value.numerator for value in values)), math.gcd(*(value.denominator for value in values))
    )


EXACT: Final[dict[str, Callable[..., Fraction | None]]] = {
    "abs": abs,
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "fact": _factorial,
    "fact2": _double_factorial,
    "binom": _binomial,
    "gcd": _gcd,
    "lcm": _lcm,
    "max": lambda *values: max(values),
    "min": lambda *values: min(values),
    "sgn": lambda value: Fraction((value > 0) - (value < 0)),
}
