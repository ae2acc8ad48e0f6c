"""Exact normal form: sums of rational multiples of products of powers of atoms.

Two expressions with one normal form are equal: that is a proof. Where all atoms are independent over the rationals
(symbols, roots of primes, the imaginary unit, and one of pi and e), two normal forms prove two different values too.
Sizes are bounded; what would grow beyond them raises `UndecidedError` and is left to a dearer rung.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from or1_reward.maths.nodes import Node, number_text, symbols

Monomial = tuple[tuple[str, Fraction], ...]
Poly = dict[Monomial, Fraction]

MAX_TERMS: Final = 300
MAX_BITS: Final = 40_000
_MAX_POWER: Final = 64
_TRIAL_PRIMES: Final = 2_000
_ONE: Final = Fraction(1)
_I: Final = "#i"
_ROOT: Final = "#root"


class UndecidedError(ArithmeticError):
    """Too large, undefined, or outside of what this rung can do."""


def normal(node: Node) -> Poly:
    """The normal form of a value.

    Raises:
        UndecidedError: a structure, infinity, a division by zero, or a size beyond the bounds.
    """
    rule = _RULES.get(node.op)
    if rule is None:
        raise UndecidedError(node.op)
    return rule(node)


def same(left: Node, right: Node) -> bool | None:
    r"""True or False where the normal forms prove it, else None.

    What both sides share cancels: `\sin 1 + 10^{-60}` is not `\sin 1`, whatever the sine is.
    """
    try:
        first, second = normal(left), normal(right)
        difference = _add(first, _multiply(second, {(): -_ONE}))
    except (UndecidedError, OverflowError):
        return None
    if not difference:
        return True
    atoms = {atom for monomial in difference for atom, _ in monomial}
    return None if not _independent(atoms) or _fractional_symbols(difference) else False


def rational(node: Node) -> Fraction | None:
    """The value of `node` where that is a rational number."""
    try:
        poly = normal(node)
    except (UndecidedError, OverflowError):
        return None
    if not poly:
        return Fraction(0)
    return poly.get(()) if len(poly) == 1 else None


def numerator(poly: Poly) -> Poly:
    """The form without symbols in denominators: what an equation `poly = 0` says."""
    lowest: dict[str, Fraction] = {}
    for monomial in poly:
        for atom, exponent in monomial:
            lowest[atom] = min(lowest.get(atom, Fraction(0)), exponent)
    factor = tuple(sorted((atom, -exponent) for atom, exponent in lowest.items() if exponent < 0))
    return _multiply(poly, {factor: _ONE}) if factor else poly


def key(poly: Poly) -> str:
    """A spelling that is equal for equal normal forms."""
    terms = (
        f"{number_text(value)}*{'*'.join(f'{atom}^{exponent}' for atom, exponent in monomial)}"
        for monomial, value in poly.items()
    )
    return "+".join(sorted(terms))


def opaque(node: Node) -> str:
    """A spelling of a node whose arguments are in normal form wherever they have one."""
    parts = []
    for argument in node.args:
        try:
            parts.append(key(normal(argument)))
        except UndecidedError:
            parts.append(opaque(argument))
    return f"{node.op}:{node.value}({';'.join(parts)})"


def _independent(atoms: set[str]) -> bool:
    special = {atom for atom in atoms if atom.startswith("#")}
    known = {atom for atom in special if atom in ("#pi", "#e", _I) or atom.startswith(_ROOT)}
    return known == special and not {"#pi", "#e"} <= special and not any(atom.startswith("(") for atom in atoms)


def _fractional_symbols(*polys: Poly) -> bool:
    return any(
        exponent.denominator != 1 and not atom.startswith(_ROOT)
        for poly in polys
        for term in poly
        for atom, exponent in term
    )


def _add(first: Poly, second: Poly) -> Poly:
    total = dict(first)
    for monomial, added in second.items():
        value = total.get(monomial, Fraction(0)) + added
        if value:
            total[monomial] = value
        else:
            total.pop(monomial, None)
    if len(total) > MAX_TERMS:
        raise UndecidedError("too many terms")
    return total


def _multiply(first: Poly, second: Poly) -> Poly:
    if len(first) * len(second) > MAX_TERMS * 8:
        raise UndecidedError("too many terms")
    total: Poly = {}
    for left, a in first.items():
        for right, b in second.items():
            monomial, value = _join(left, right, a * b)
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
    for atom in [atom for atom in powers if atom == _I or atom.startswith(_ROOT)]:
        exponent = powers[atom]
        if atom == _I:
            quarter = int(exponent) % 4
            value = -value if quarter >= 2 else value
            powers[atom] = Fraction(quarter % 2)
        else:
            whole = math.floor(exponent)
            value *= Fraction(int(atom[len(_ROOT) :])) ** whole
            powers[atom] = exponent - whole
    return tuple(sorted((atom, exponent) for atom, exponent in powers.items() if exponent)), value


def _power(base: Poly, exponent: Fraction) -> Poly:
    if exponent == 0:
        return {(): _ONE}
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
        if value == 1 and len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0] != _I:
            return {((monomial[0][0], exponent),): _ONE}
    return {((f"({key(base)})", exponent),): _ONE}


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
            (("#one", _ONE),), tuple((atom, power * exponent) for atom, power in monomial), value**exponent
        )
        return {tuple(part for part in lifted if part[0] != "#one"): factor}
    if exponent < 0:
        return _inverse_of_sum(base, exponent)
    if exponent > _MAX_POWER:
        return {((f"({key(base)})", Fraction(exponent)),): _ONE}
    result: Poly = {(): _ONE}
    for _ in range(exponent):
        result = _multiply(result, base)
        if len(result) > MAX_TERMS:
            raise UndecidedError("too many terms")
    return result


def _inverse_of_sum(base: Poly, exponent: int) -> Poly:
    """1/(2x+2) is 1/2 of 1/(x+1); a sum of a number and one square root is rationalised."""
    conjugate = _conjugate(base)
    if conjugate is not None:
        norm = _multiply(base, conjugate)
        if len(norm) == 1 and () in norm:
            return _whole_power({monomial: value / norm[()] for monomial, value in conjugate.items()}, -exponent)
    lead = base[max(base, key=lambda monomial: (len(monomial), monomial))]
    monic = {monomial: value / lead for monomial, value in base.items()}
    return {((f"({key(monic)})", Fraction(exponent)),): lead**exponent}


def _conjugate(base: Poly) -> Poly | None:
    """`a - b` of a number `a + b` of two terms that only hold square roots and i."""
    if len(base) != 2:
        return None
    for monomial in base:
        if any(not (atom == _I or (atom.startswith(_ROOT) and power.denominator == 2)) for atom, power in monomial):
            return None
    flipped = max(base, key=lambda monomial: (len(monomial), monomial))
    return {monomial: -value if monomial == flipped else value for monomial, value in base.items()}


def _root(value: Fraction, exponent: Fraction) -> Poly:
    """`value ** exponent` as a number times roots of primes; odd roots of negative numbers are the real ones."""
    sign: Poly = {(): _ONE}
    if value < 0:
        value = -value
        if exponent.denominator == 2:
            sign = _whole_power({((_I, _ONE),): _ONE}, exponent.numerator % 4)
        elif exponent.denominator % 2:
            sign = {(): Fraction((-1) ** exponent.numerator)}
        else:
            raise UndecidedError("an even root of a negative number")
    if abs(exponent) > _MAX_POWER:
        raise UndecidedError("a large root")
    result = sign
    for number, direction in ((value.numerator, 1), (value.denominator, -1)):
        for prime, count in _factors(number).items():
            result = _multiply(result, _prime_power(prime, exponent * count * direction))
    return result


def _prime_power(prime: int, exponent: Fraction) -> Poly:
    whole = math.floor(exponent)
    rest = exponent - whole
    value = Fraction(prime) ** whole
    return {((f"{_ROOT}{prime}", rest),): value} if rest else {(): value}


def _factors(number: int) -> dict[int, int]:
    found: dict[int, int] = {}
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


def _sum(node: Node) -> Poly:
    total: Poly = {}
    for part in node.args:
        total = _add(total, normal(part))
    return total


def _product(node: Node) -> Poly:
    total: Poly = {(): _ONE}
    for part in node.args:
        total = _multiply(total, normal(part))
        if len(total) > MAX_TERMS:
            raise UndecidedError("too many terms")
    return total


def _pow(node: Node) -> Poly:
    base, exponent = node.args
    power = normal(exponent)
    if not power:
        return {(): _ONE}
    if len(power) == 1 and () in power:
        return _power(normal(base), power[()])
    return _symbolic_power(normal(base), power)


def _symbolic_power(base: Poly, power: Poly) -> Poly:
    """`b^(n+1)` is `b * b^n`; whole bases are split into primes, so that `4^n` is `(2^n)^2`."""
    value = base.get((), None) if len(base) == 1 else None
    if value is not None and value > 0 and value.denominator == 1:
        bases = {str(prime): Fraction(count) for prime, count in _factors(int(value)).items()}
    else:
        bases = {f"({key(base)})": _ONE}
    result: Poly = {(): _ONE}
    for monomial, coefficient in power.items():
        for name, count in bases.items():
            if not monomial:
                if name.isdigit():
                    result = _multiply(result, _power({(): Fraction(int(name))}, coefficient * count))
                else:
                    result = _multiply(result, _power(base, coefficient))
                continue
            result = _multiply(result, {((f"#exp{name}^{key({monomial: _ONE})}", coefficient * count),): _ONE})
    return result


def _number(node: Node) -> Poly:
    return {(): node.value} if isinstance(node.value, Fraction) and node.value else {}


def _constant(node: Node) -> Poly:
    if node.value == "inf":
        raise UndecidedError("infinity")
    return {((f"#{node.value}", _ONE),): _ONE}


def _symbol(node: Node) -> Poly:
    if node.value == "dots":
        raise UndecidedError("an ellipsis")
    return {((str(node.value), _ONE),): _ONE}


def _atom(node: Node) -> Poly:
    return {((f"@{opaque(node)}" if node.op in ("app", "idx") else f"#{opaque(node)}", _ONE),): _ONE}


def _limit(node: Node) -> Poly:
    """The limit of what does not depend on the variable is that."""
    body, variable, *_ = node.args
    return _atom(node) if symbols(variable) & symbols(body) else normal(body)


def _scaled(factor: Poly) -> Callable[[Node], Poly]:
    return lambda node: _multiply(normal(node.args[0]), factor)


def _whole(node: Node) -> Poly:
    """Functions that are known exactly on rational arguments, opaque elsewhere."""
    values = [rational(argument) for argument in node.args]
    name = str(node.value) if node.op == "fn" else node.op
    if name not in _EXACT or any(value is None for value in values):
        return _atom(node)
    result = _EXACT[name](*[value for value in values if value is not None])
    return _atom(node) if result is None else {(): result} if result else {}


def _factorial(value: Fraction) -> Fraction | None:
    small = value.denominator == 1 and 0 <= value <= 2000
    return Fraction(math.factorial(int(value))) if small else None


def _double_factorial(value: Fraction) -> Fraction | None:
    small = value.denominator == 1 and 0 <= value <= 2000
    return Fraction(math.prod(range(int(value), 0, -2))) if small else None


def _binomial(top: Fraction, bottom: Fraction) -> Fraction | None:
    small = top.denominator == bottom.denominator == 1 and 0 <= bottom <= 2000 and 0 <= top <= 5000
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


_EXACT: Final[dict[str, Callable[..., Fraction | None]]] = {
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
_RULES: Final[dict[str, Callable[[Node], Poly]]] = {
    "num": _number,
    "const": _constant,
    "sym": _symbol,
    "add": _sum,
    "mul": _product,
    "pow": _pow,
    "pct": _scaled({(): Fraction(1, 100)}),
    "deg": _scaled({(("#pi", _ONE),): Fraction(1, 180)}),
    **dict.fromkeys(("fn", "abs", "floor", "ceil", "fact", "fact2", "binom"), _whole),
    **dict.fromkeys(("log", "app", "idx", "sum", "prod", "int", "diff"), _atom),
    "lim": _limit,
}
