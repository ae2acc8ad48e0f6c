"""Sums of rational multiples of products of powers of atoms: their arithmetic, with bounded sizes.

A root of a prime (`#root2`) and the imaginary unit (`#i`) are atoms whose powers are reduced; what would grow beyond
the bounds raises `UndecidedError`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from or1_reward.maths.budget import spend
from or1_reward.maths.parse.nodes import number_text

Monomial = tuple[tuple[str, Fraction], ...]
Poly = dict[Monomial, Fraction]

MAX_TERMS: Final = 300
MAX_BITS: Final = 120_000
_MAX_POWER: Final = 64
_TRIAL_PRIMES: Final = 2_000
ONE: Final = Fraction(1)
IMAGINARY: Final = "#i"
ROOT: Final = "#root"


class UndecidedError(ArithmeticError):
    """Too large, undefined, or outside of what this step can do."""


def numerator(poly: Poly) -> Poly:
    """The form without symbols in denominators: what an equation `poly = 0` says."""
    lowest: dict[str, Fraction] = {}
    for monomial in poly:
        for atom, exponent in monomial:
            lowest[atom] = min(lowest.get(atom, Fraction(0)), exponent)
    factor = tuple(sorted((atom, -exponent) for atom, exponent in lowest.items() if exponent < 0))
    return multiply(poly, {factor: ONE}) if factor else poly


def key(poly: Poly) -> str:
    """A spelling that is equal for equal normal forms."""
    terms = (
        f"{number_text(value)}*{'*'.join(f'{atom}^{exponent}' for atom, exponent in monomial)}"
        for monomial, value in poly.items()
    )
    return "+".join(sorted(terms))


def add(first: Poly, second: Poly) -> Poly:
    """The sum of two forms."""
    spend(len(second) + 1)
    total = dict(first)
    for monomial, added in second.items():
        value = total.get(monomial, Fraction(0)) + added
        spend(value.denominator.bit_length() >> 6)
        if value:
            total[monomial] = value
        else:
            total.pop(monomial, None)
    if len(total) > MAX_TERMS:
        raise UndecidedError("too many terms")
    return total


def multiply(first: Poly, second: Poly) -> Poly:
    """The product of two forms."""
    if len(first) * len(second) > MAX_TERMS * 8:
        raise UndecidedError("too many terms")
    spend(2 * len(first) * len(second))
    total: Poly = {}
    for left, a in first.items():
        for right, b in second.items():
            monomial, value = _join(left, right, a * b)
            spend((value.numerator.bit_length() + value.denominator.bit_length()) >> 8)
            if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
                raise UndecidedError("too many digits")
            total[monomial] = total.get(monomial, 0) + value
    return {monomial: value for monomial, value in total.items() if value}


def _join(left: Monomial, right: Monomial, value: Fraction) -> tuple[Monomial, Fraction]:
    """The product of two monomials: i^2 = -1, and whole powers of roots of primes go into the number."""
    if not left or not right:
        return left or right, value
    powers = dict(left)
    for atom, exponent in right:
        powers[atom] = powers.get(atom, Fraction(0)) + exponent
    for atom in [atom for atom in powers if atom == IMAGINARY or atom.startswith(ROOT)]:
        exponent = powers[atom]
        if atom == IMAGINARY:
            quarter = int(exponent) % 4
            value = -value if quarter >= 2 else value
            powers[atom] = Fraction(quarter % 2)
        else:
            whole = math.floor(exponent)
            value *= Fraction(int(atom[len(ROOT) :])) ** whole
            powers[atom] = exponent - whole
    return tuple(sorted((atom, exponent) for atom, exponent in powers.items() if exponent)), value


def power_of(base: Poly, exponent: Fraction) -> Poly:
    """A form to a rational power; a sum to a fractional one is an atom."""
    if exponent == 0:
        return {(): ONE}
    if not base:
        if exponent < 0:
            raise UndecidedError("division by zero")
        return {}
    if exponent.denominator == 1:
        return _whole_power(base, int(exponent))
    if len(base) == 1:
        (monomial, value), *_ = base.items()
        if not monomial:
            return _root(value, exponent)
        if value == 1 and len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0] != IMAGINARY:
            return {((monomial[0][0], exponent),): ONE}
    return {((f"({key(base)})", exponent),): ONE}


def _whole_power(base: Poly, exponent: int) -> Poly:
    if len(base) == 1:
        (monomial, value), *_ = base.items()
        if (
            value.numerator.bit_length() * abs(exponent) > MAX_BITS
            or value.denominator.bit_length() * abs(exponent) > MAX_BITS
        ):
            if abs(value) != 1:
                raise UndecidedError("too many digits")
            value = value ** (exponent % 2)
            return {tuple((atom, power * exponent) for atom, power in monomial): value}
        lifted, factor = _join(
            (("#one", ONE),), tuple((atom, power * exponent) for atom, power in monomial), value**exponent
        )
        return {tuple(part for part in lifted if part[0] != "#one"): factor}
    if exponent < 0:
        return _inverse_of_sum(base, exponent)
    if exponent > _MAX_POWER:
        return {((f"({key(base)})", Fraction(exponent)),): ONE}
    result: Poly = {(): ONE}
    for _ in range(exponent):
        result = multiply(result, base)
        if len(result) > MAX_TERMS:
            raise UndecidedError("too many terms")
    return result


def _inverse_of_sum(base: Poly, exponent: int) -> Poly:
    """1/(2x+2) is 1/2 of 1/(x+1); a sum of a number and one square root is rationalised."""
    conjugate = _conjugate(base)
    if conjugate is not None:
        norm = multiply(base, conjugate)
        if len(norm) == 1 and () in norm:
            return _whole_power({monomial: value / norm[()] for monomial, value in conjugate.items()}, -exponent)
    lead = base[max(base, key=lambda monomial: (len(monomial), monomial))]
    monic = {monomial: value / lead for monomial, value in base.items()}
    return {((f"({key(monic)})", Fraction(exponent)),): lead**exponent}


def _conjugate(base: Poly) -> Poly | None:
    """`a - b` of a number `a + b` of two terms that only hold square roots and i."""
    atoms = [part for monomial in base for part in monomial]
    if len(base) != 2 or any(
        atom != IMAGINARY and not (atom.startswith(ROOT) and power.denominator == 2) for atom, power in atoms
    ):
        return None
    flipped = max(base, key=lambda monomial: (len(monomial), monomial))
    return {monomial: -value if monomial == flipped else value for monomial, value in base.items()}


def _root(value: Fraction, exponent: Fraction) -> Poly:
    """`value ** exponent` as a number times roots of primes; odd roots of negative numbers are the real ones."""
    sign: Poly = {(): ONE}
    if value < 0:
        value = -value
        if exponent.denominator == 2:
            sign = _whole_power({((IMAGINARY, ONE),): ONE}, exponent.numerator % 4)
        elif exponent.denominator % 2:
            sign = {(): Fraction((-1) ** exponent.numerator)}
        else:
            raise UndecidedError("an even root of a negative number")
    if abs(exponent) > _MAX_POWER:
        raise UndecidedError("a large root")
    result = sign
    for number, direction in ((value.numerator, 1), (value.denominator, -1)):
        for prime, count in factors(number).items():
            result = multiply(result, _prime_power(prime, exponent * count * direction))
    return result


def _prime_power(prime: int, exponent: Fraction) -> Poly:
    whole = math.floor(exponent)
    rest = exponent - whole
    value = Fraction(prime) ** whole
    return {((f"{ROOT}{prime}", rest),): value} if rest else {(): value}


def factors(number: int) -> dict[int, int]:
    """The primes of a number and how often they divide it."""
    found: dict[int, int] = {}
    spend(number.bit_length() >> 3)
    prime = 2
    while prime * prime <= number and prime < _TRIAL_PRIMES:
        while number % prime == 0:
            found[prime] = found.get(prime, 0) + 1
            number //= prime
        prime += 1 if prime == 2 else 2
    if number > 1:
        if prime * prime <= number:
            root = math.isqrt(number)
            if root * root != number or number > _TRIAL_PRIMES**4:
                raise UndecidedError("a number too large to factor")
            found[root] = found.get(root, 0) + 2
        else:
            found[number] = found.get(number, 0) + 1
    return found
