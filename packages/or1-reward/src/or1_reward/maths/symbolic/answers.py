"""Questions about trees, answered by sympy; runs in a worker process only (`sympy_worker`).

Trees arrive as data and become sympy objects through a closed table; nothing is ever parsed or evaluated as Python.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import sympy

_TINY: Final = sympy.Rational(1, 10**30)
_DIGITS: Final = 1000
_APART: Final = 1e-4  # quadrature is trusted to refute, not to confirm
_POINTS: Final = (0.3217, 1.7331, 2.4142, 0.9113)
_REAL_NAMES: Final = {
    "ln": sympy.log,
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "arccot": sympy.acot,
    "arcsec": sympy.asec,
    "arccsc": sympy.acsc,
    "arcsinh": sympy.asinh,
    "arccosh": sympy.acosh,
    "arctanh": sympy.atanh,
    "sgn": sympy.sign,
    "max": sympy.Max,
    "min": sympy.Min,
    "gcd": sympy.gcd,
    "lcm": sympy.lcm,
    "mod": sympy.Mod,
    "Re": sympy.re,
    "Im": sympy.im,
    "arg": sympy.arg,
}
_SAME_NAMES: Final = frozenset(
    ["sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch", "sqrt", "exp"]
)


class UnknownNodeError(ValueError):
    """A node with no sympy counterpart."""


def build(tree: list[Any]) -> Any:
    """The sympy object of a tree."""
    op, value, arguments = tree
    if op == "num":
        return sympy.Rational(int(value[0], 16), int(value[1], 16))
    if op == "sym":
        return sympy.Symbol(value, real=True)
    if op == "const":
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "inf": sympy.oo}[value]
    if op in ("app", "idx"):
        return sympy.Symbol(json.dumps(tree), real=True)
    if op == "fn":
        return _function(value)(*map(build, arguments))
    if op in _BINDERS:
        return _BINDERS[op](value, *map(build, arguments))
    if op not in _PLAIN:
        raise UnknownNodeError(op)
    return _PLAIN[op](*map(build, arguments))


def _function(name: str) -> Any:
    if name in _REAL_NAMES:
        return _REAL_NAMES[name]
    if name in _SAME_NAMES:
        return getattr(sympy, name)
    raise UnknownNodeError(name)


def _limit(direction: str, body: Any, variable: Any, target: Any) -> Any:
    return sympy.Limit(body, variable, target, dir=direction if abs(target) != sympy.oo else "-")


_PLAIN: Final[dict[str, Any]] = {
    "add": sympy.Add,
    "mul": sympy.Mul,
    "pow": sympy.Pow,
    "fact": sympy.factorial,
    "fact2": sympy.factorial2,
    "abs": sympy.Abs,
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "binom": sympy.binomial,
    "log": sympy.log,
    "pct": lambda value: value / 100,
    "deg": lambda value: value * sympy.pi / 180,
}
_BINDERS: Final[dict[str, Any]] = {
    "sum": lambda _, body, variable, low, high: sympy.Sum(body, (variable, low, high)),
    "prod": lambda _, body, variable, low, high: sympy.Product(body, (variable, low, high)),
    "int": lambda _, body, variable, *bounds: sympy.Integral(body, (variable, *bounds)),
    "diff": lambda _, body, variable: sympy.Derivative(body, variable),
    "lim": _limit,
}


def equal(left: Any, right: Any) -> bool | None:
    """Whether two values with calculus in them are equal: refuted by quadrature, proved by sympy, checked by digits.

    Sympy's proof counts only where digits at points do not contradict it; digits alone count where sympy is undecided.
    """
    if left == right:
        return True
    if _quadrature_differs(left, right):
        return False
    first, second = left.doit(), right.doit()
    if first == second:
        return True
    difference = first - second
    if difference.has(sympy.nan, sympy.zoo) or (difference.has(sympy.oo) and not difference.free_symbols):
        return False
    if (numbers := _at_points(difference)) is False:
        return False
    if sympy.simplify(difference) == 0:
        return True
    return numbers


def proved(left: Any, right: Any) -> bool | None:
    r"""What sympy can prove of two values whose digits agree: True, or False for a difference too small for digits.

    None says that sympy is undecided. A difference that is not small means that sympy reads a root or a logarithm
    differently from the digits (`\sqrt[3]{-8}` is -2 there): that refutes nothing.
    """
    difference = left - right
    if difference.has(sympy.Sum, sympy.Product):
        difference = difference.doit()
    if difference == 0 or sympy.expand(difference) == 0:
        return True
    difference = sympy.simplify(difference)
    if difference == 0:
        return True
    names = sorted(difference.free_symbols, key=str)
    value = difference.subs({name: sympy.Rational(13 + 7 * at, 11) for at, name in enumerate(names)}).evalf(
        15, maxn=_DIGITS
    )
    known = value.is_Float and value._prec > 1 and value != 0  # of what may be 0, no digit is known
    return False if known and abs(value) < _TINY else None


def _quadrature_differs(left: Any, right: Any) -> bool:
    """Whether proper integrals without parameters differ in their first digits; milliseconds where `doit` may hang."""
    if left.free_symbols or right.free_symbols or left.has(sympy.oo, sympy.Limit) or right.has(sympy.oo, sympy.Limit):
        return False
    if not (left.has(sympy.Integral) or right.has(sympy.Integral)):
        return False
    first, second = sympy.N(left, 15), sympy.N(right, 15)
    if not (first.is_Float or first.is_Integer) or not (second.is_Float or second.is_Integer):
        return False
    return bool(abs(first - second) > _APART * max(1, abs(first), abs(second)))


def _at_points(difference: Any) -> bool | None:
    """True or False by thirty digits at points, None where there are no digits."""
    names = sorted(difference.free_symbols, key=str)
    agreed = 0
    for point in _POINTS:
        value = difference.subs({name: sympy.Float(point + at / 7, 40) for at, name in enumerate(names)}).evalf(30)
        if not value.is_number or value.has(sympy.Integral, sympy.Sum, sympy.Limit, sympy.nan):
            return None
        if abs(value) > sympy.Float("1e-20"):
            return False
        agreed += 1
    return True if agreed else None


def answer(request: dict[str, Any]) -> bool | None:
    """True, False, or None where sympy cannot tell, also because it raised: it raises anything.

    Raises:
        MemoryError: out of memory.
    """
    compare = proved if request.get("digits_agree") else equal
    try:
        return compare(build(request["left"]), build(request["right"]))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  "cannot tell" is the honest answer
        return None


def _identity() -> None:
    angle = sympy.Symbol("x", real=True)
    sympy.simplify(sympy.sin(angle) ** 2 + sympy.cos(angle) ** 2 - 1)


def _calculus() -> None:
    x = sympy.Symbol("x", real=True)
    sympy.Integral(x * sympy.exp(-x), (x, 0, sympy.oo)).doit()
    sympy.Sum(1 / x**2, (x, 1, sympy.oo)).doit()
    sympy.Limit(sympy.sin(x) / x, x, 0).doit()


WARM_UP: Final[tuple[Callable[[], None], ...]] = (_identity, _calculus)
"""What makes sympy load its modules, half a second in all."""
