"""Exact normal form: sums of rational multiples of products of powers of atoms.

Two expressions with one normal form are equal: that is a proof. Where all atoms are independent over the rationals
(symbols, roots of primes, the imaginary unit, and one of pi and e), two normal forms prove two different values too.
Sizes are bounded; what would grow beyond them raises `UndecidedError` and is left to a more expensive step.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

from or1_reward.maths.budget import spend
from or1_reward.maths.equal.exact_functions import EXACT
from or1_reward.maths.equal.polynomials import (
    IMAGINARY,
    MAX_TERMS,
    ONE,
    ROOT,
    Poly,
    UndecidedError,
    add,
    factors,
    key,
    multiply,
    power_of,
)
from or1_reward.maths.parse.nodes import Node, num, substituted, symbols

_MAX_TERMS: Final = 5_000  # of a finite sum


def normal(node: Node) -> Poly:
    """The normal form of a value.

    Raises:
        UndecidedError: a structure, infinity, a division by zero, or a size beyond the bounds.
    """
    spend()
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
        difference = add(first, multiply(second, {(): -ONE}))
    except (UndecidedError, OverflowError):
        return None
    if not difference:
        return True
    atoms = {atom for monomial in difference for atom, _ in monomial}
    return None if not _independent(atoms) or _fractional_symbols(difference) else False


def rational(node: Node) -> Fraction | None:
    """The value of `node` where that is a rational number."""
    try:
        return _number_of(normal(node))
    except (UndecidedError, OverflowError):
        return None


def _number_of(poly: Poly) -> Fraction | None:
    if not poly:
        return Fraction(0)
    return poly.get(()) if len(poly) == 1 else None


def opaque(node: Node) -> str:
    """A spelling of a node whose arguments are in normal form wherever they have one."""
    return _spelled(node, [_form(argument) for argument in node.args])


def _form(node: Node) -> Poly | None:
    try:
        return normal(node)
    except UndecidedError:
        return None


def _spelled(node: Node, forms: list[Poly | None]) -> str:
    parts = [opaque(argument) if form is None else key(form) for argument, form in zip(node.args, forms, strict=True)]
    return f"{node.op}:{node.value}({';'.join(parts)})"


def _independent(atoms: set[str]) -> bool:
    special = {atom for atom in atoms if atom.startswith("#")}
    known = {atom for atom in special if atom in ("#pi", "#e", IMAGINARY) or atom.startswith(ROOT)}
    return known == special and not {"#pi", "#e"} <= special and not any(atom.startswith("(") for atom in atoms)


def _fractional_symbols(*polys: Poly) -> bool:
    return any(
        exponent.denominator != 1 and not atom.startswith(ROOT)
        for poly in polys
        for term in poly
        for atom, exponent in term
    )


def _sum(node: Node) -> Poly:
    total: Poly = {}
    for part in node.args:
        total = add(total, normal(part))
    return total


def _product(node: Node) -> Poly:
    total: Poly = {(): ONE}
    for part in node.args:
        total = multiply(total, normal(part))
        if len(total) > MAX_TERMS:
            raise UndecidedError("too many terms")
    return total


def _pow(node: Node) -> Poly:
    base, exponent = node.args
    power = normal(exponent)
    if not power:
        if not normal(base):
            raise UndecidedError("zero to the power of zero")
        return {(): ONE}
    if len(power) == 1 and () in power:
        return power_of(normal(base), power[()])
    return _symbolic_power(normal(base), power)


def _symbolic_power(base: Poly, power: Poly) -> Poly:
    """`b^(n+1)` is `b * b^n`; whole bases are split into primes, so that `4^n` is `(2^n)^2`."""
    value = base.get((), None) if len(base) == 1 else None
    if value is not None and value > 0 and value.denominator == 1:
        bases = {str(prime): Fraction(count) for prime, count in factors(int(value)).items()}
    else:
        bases = {f"({key(base)})": ONE}
    result: Poly = {(): ONE}
    for monomial, coefficient in power.items():
        for name, count in bases.items():
            if not monomial:
                if name.isdigit():
                    result = multiply(result, power_of({(): Fraction(int(name))}, coefficient * count))
                else:
                    result = multiply(result, power_of(base, coefficient))
                continue
            result = multiply(result, {((f"#exp{name}^{key({monomial: ONE})}", coefficient * count),): ONE})
    return result


def _number(node: Node) -> Poly:
    return {(): node.value} if isinstance(node.value, Fraction) and node.value else {}


def _constant(node: Node) -> Poly:
    if node.value == "inf":
        raise UndecidedError("infinity")
    return {((f"#{node.value}", ONE),): ONE}


def _symbol(node: Node) -> Poly:
    if node.value == "dots":
        raise UndecidedError("an ellipsis")
    return {((str(node.value), ONE),): ONE}


def _atom(node: Node) -> Poly:
    return {((f"@{opaque(node)}" if node.op in ("app", "idx") else f"#{opaque(node)}", ONE),): ONE}


def _limit(node: Node) -> Poly:
    """The limit of what does not depend on the variable is that."""
    body, variable, *_ = node.args
    return _atom(node) if symbols(variable) & symbols(body) else normal(body)


def _series(node: Node) -> Poly:
    """A finite sum or product, term by term, where its bounds are whole numbers; opaque elsewhere."""
    body, variable, low, high = node.args
    first, last = rational(low) if low.op != "const" else None, rational(high) if high.op != "const" else None
    if first is None or last is None or first.denominator != 1 or last.denominator != 1 or last - first > _MAX_TERMS:
        return _atom(node)
    total: Poly = {} if node.op == "sum" else {(): ONE}
    for value in range(int(first), int(last) + 1):
        term = normal(substituted(body, variable, num(value)))
        total = add(total, term) if node.op == "sum" else multiply(total, term)
    return total


def _scaled(factor: Poly) -> Callable[[Node], Poly]:
    return lambda node: multiply(normal(node.args[0]), factor)


def _whole(node: Node) -> Poly:
    """Functions that are known exactly on rational arguments, opaque elsewhere."""
    forms = [_form(argument) for argument in node.args]  # once: functions in functions must not double the work
    values = [None if form is None else _number_of(form) for form in forms]
    name = str(node.value) if node.op == "fn" else node.op
    known = name in EXACT and None not in values
    result = EXACT[name](*[value for value in values if value is not None]) if known else None
    if result is None:
        return {((f"#{_spelled(node, forms)}", ONE),): ONE}
    return {(): result} if result else {}


_RULES: Final[dict[str, Callable[[Node], Poly]]] = {
    "num": _number,
    "const": _constant,
    "sym": _symbol,
    "add": _sum,
    "mul": _product,
    "pow": _pow,
    "pct": _scaled({(): Fraction(1, 100)}),
    "deg": _scaled({(("#pi", ONE),): Fraction(1, 180)}),
    **dict.fromkeys(("fn", "abs", "floor", "ceil", "fact", "fact2", "binom"), _whole),
    **dict.fromkeys(("log", "app", "idx", "int", "diff"), _atom),
    **dict.fromkeys(("sum", "prod"), _series),
    "lim": _limit,
}
