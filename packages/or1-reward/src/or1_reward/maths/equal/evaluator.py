"""The value of a tree at one point, in floats or with many digits; sizes are bounded before anything is computed."""

from __future__ import annotations

import cmath
import math
import operator
import random
import threading
import zlib
from collections.abc import Callable, Generator
from contextlib import closing
from fractions import Fraction
from typing import Any, Final

from or1_reward.maths.budget import spend
from or1_reward.maths.equal.exact import opaque
from or1_reward.maths.parse.nodes import INFINITY, Node, symbols, text_of

DIGITS: Final = 60
MORE_DIGITS: Final = 250
_MAX_SUM_TERMS: Final = 400
_NEGLIGIBLE_TERMS: Final = 5  # of a series, one after the other, before its rest is taken for 0
_GROWING_TERMS: Final = 25  # that hardly shrink, one after the other, before a series is given up
_SHRINKING: Final = 0.97
_MAX_EXPONENT_BITS: Final = 100_000.0

Number = Any  # complex for floats, mpmath's mpf or mpc at sixty digits


class NoValueError(ArithmeticError):
    """No value at this point, or none that can be computed within the bounds."""


class Evaluator:
    """Evaluates trees at one point with one arithmetic (floats or mpmath)."""

    def __init__(self, point: dict[str, float], *, digits: int | None) -> None:
        """`point` gives every symbol its value; `digits` is None for floats."""
        self.point = point
        self.salt = int(1e6 * sum(point.values())) % 99_991
        self.left_the_reals = False  # a root or logarithm of a negative number on the way
        self.scale = 0.0  # largest term that was added up: what a difference must be measured against
        self.digits = digits or 16
        self.price = 1 if digits is None else 3 + digits // 25  # in steps of the budget
        self.lib: Any = _mpmath(digits) if digits else None

    def value(self, node: Node) -> Number:
        """The value of a tree.

        Raises:
            NoValueError: undefined here, or not computable.
        """
        rule = _RULES.get(node.op)
        if rule is None:
            raise NoValueError(node.op)
        spend(self.price)
        try:
            found = rule(self, node)
            if node.op in _LEAVING and is_imaginary(found):
                self.left_the_reals = True
            return found
        except (ZeroDivisionError, OverflowError, ValueError, TypeError) as error:
            raise NoValueError(str(error)) from error

    def number(self, value: Fraction) -> Number:
        """A rational number in this arithmetic."""
        return (
            self.lib.mpf(value.numerator) / value.denominator
            if self.lib
            else complex(value.numerator / value.denominator)
        )

    def symbol(self, name: str) -> Number:
        """The value of a symbol at this point."""
        if name not in self.point:
            raise NoValueError(f"{name} is bound elsewhere")
        value = self.point[name]
        return self.lib.mpf(value) if self.lib else complex(value)

    def grow(self, value: Number) -> None:
        """Remember the size of a term."""
        size = abs(value)
        if not size <= 1e300:  # also NaN
            raise NoValueError("out of range") if self.lib is None else NoValueError("huge")
        self.scale = max(self.scale, float(size))


_OPAQUE_SCALES: Final = (1.0, 1.0, 1.0, -1.0, 30.0, -30.0)  # of values nothing is known about
_contexts = threading.local()


def _mpmath(digits: int) -> Any:
    """A context of this thread's own: the host program's precision is not ours to change, nor another thread's."""
    made = _contexts.__dict__
    if (name := f"digits_{digits}") not in made:
        from mpmath.ctx_mp import MPContext  # 40 ms: only where floats agree

        made[name] = MPContext()
        made[name].dps = digits
    return made[name]


_LEAVING: Final = frozenset(("pow", "log", "fn"))


def is_imaginary(value: Number) -> bool:
    """Whether a value is not real, rounding aside."""
    return bool(abs(value.imag) > 1e-9 * abs(value))


def seeded(name: str, round_number: int) -> random.Random:
    """The same random numbers for the same name in every process."""
    return random.Random(zlib.crc32(f"{name}/{round_number}".encode()))


def _evaluate_number(at: Evaluator, node: Node) -> Number:
    if not isinstance(node.value, Fraction):
        raise NoValueError("no number")
    return at.number(node.value)


def _evaluate_symbol(at: Evaluator, node: Node) -> Number:
    if node.value == "dots":
        raise NoValueError("an ellipsis")
    return at.symbol(str(node.value))


def _evaluate_opaque(at: Evaluator, node: Node) -> Number:
    """A fixed value for `F_{n-1}` or `f(x)`: the same name with arguments of the same value is the same thing."""
    if node.op == "idx" and not symbols(node.args[1]) and text_of(node) in at.point:
        return at.symbol(text_of(node))
    parts = []
    for argument in node.args if node.op != "idx" else node.args[1:]:
        try:
            parts.append(f"{complex(Evaluator(at.point, digits=None).value(argument)):.9g}")
        except NoValueError:
            parts.append(opaque(argument))
    name = f"{node.op}:{node.value}:{parts if node.op != 'idx' else [opaque(node.args[0]), *parts]}"
    random_here = seeded(name, at.salt)
    value = random_here.uniform(0.2, 2.7) * random_here.choice(_OPAQUE_SCALES)
    return at.lib.mpf(value) if at.lib else complex(value)


def _evaluate_constant(at: Evaluator, node: Node) -> Number:
    if node.value == "inf":
        raise NoValueError("infinity")
    if at.lib:
        return {"pi": +at.lib.pi, "e": +at.lib.e, "i": at.lib.mpc(0, 1)}[str(node.value)]
    return {"pi": complex(math.pi), "e": complex(math.e), "i": 1j}[str(node.value)]


def _evaluate_sum(at: Evaluator, node: Node) -> Number:
    total: Number = 0
    smallest: Number | None = None
    for part in node.args:
        term = at.value(part)
        at.grow(term)
        total = total + term
        if at.lib and term and (smallest is None or abs(term) < smallest):
            smallest = abs(term)
    if smallest is not None and smallest < abs(total) * _ABSORBED:
        raise NoValueError("a term too small beside the others for digits")
    return total


_ABSORBED: Final = 1e-35


def _evaluate_product(at: Evaluator, node: Node) -> Number:
    total: Number = 1
    for part in node.args:
        total = total * at.value(part)
    return total


def _evaluate_power(at: Evaluator, node: Node) -> Number:
    base, exponent = at.value(node.args[0]), at.value(node.args[1])
    if base == 0:
        if exponent.real <= 0:
            raise NoValueError("a power of zero")
        return base * 0
    size = abs(math.log2(abs(base)) if not at.lib else float(at.lib.log(abs(base), 2)))
    if not size * float(abs(exponent)) < _MAX_EXPONENT_BITS:
        raise NoValueError("a huge power")
    rational = node.args[1].value if node.args[1].op == "num" else None
    odd_root = isinstance(rational, Fraction) and rational.denominator > 1 and rational.denominator % 2 == 1
    if odd_root and isinstance(rational, Fraction) and not is_imaginary(base) and base.real < 0:
        return (-1) ** rational.numerator * (-base) ** exponent
    if _whole(exponent) and abs(exponent) < 10**6:
        return base ** int(exponent.real)
    return base**exponent


def _whole(value: Number) -> bool:
    return bool(not is_imaginary(value) and value.real == int(value.real)) if value else True


def _evaluate_function(at: Evaluator, node: Node) -> Number:
    name = str(node.value)
    if name in ("gcd", "lcm", "det", "arg", "Re", "Im"):
        return (
            _evaluate_opaque(at, node) if name not in ("Re", "Im", "arg") else _part(at, name, at.value(node.args[0]))
        )
    values = [at.value(argument) for argument in node.args]
    if name == "mod":
        return values[0] - values[1] * (at.lib.floor if at.lib else _floor)(values[0] / values[1])
    if name in ("max", "min"):
        if any(is_imaginary(value) for value in values):
            raise NoValueError("an order of complex numbers")
        return (max if name == "max" else min)(values, key=lambda value: value.real)
    size = abs(values[0])
    if size > _LARGEST_ARGUMENT and name != "ln":
        raise NoValueError("an argument too large")
    if at.lib and ((0 < size < _SMALLEST_ARGUMENT) or (name in _SATURATING and size > _SATURATED)):
        raise NoValueError("a value that digits cannot tell from a simpler one")  # tanh(3000) is not 1
    return _function(at, name)(values[0])


_LARGEST_ARGUMENT: Final = 1e15
_SMALLEST_ARGUMENT: Final = 1e-25
_SATURATING: Final = frozenset(("tanh", "coth", "arctan", "arccot", "sech", "csch"))
_SATURATED: Final = 60.0


def _floor(value: complex) -> int:
    return math.floor(value.real)


def _part(at: Evaluator, name: str, value: Number) -> Number:
    if name == "arg":
        return at.lib.arg(value) if at.lib else complex(cmath.phase(value))
    part = value.real if name == "Re" else value.imag
    return at.lib.mpf(part) if at.lib else complex(part)


_REST: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "cot": lambda lib, x: lib.cos(x) / lib.sin(x),
    "sec": lambda lib, x: 1 / lib.cos(x),
    "csc": lambda lib, x: 1 / lib.sin(x),
    "coth": lambda lib, x: lib.cosh(x) / lib.sinh(x),
    "sech": lambda lib, x: 1 / lib.cosh(x),
    "csch": lambda lib, x: 1 / lib.sinh(x),
    "arccot": lambda lib, x: lib.pi / 2 - lib.atan(x),
    "arcsec": lambda lib, x: lib.acos(1 / x),
    "arccsc": lambda lib, x: lib.asin(1 / x),
    "sgn": lambda lib, x: x / abs(x) if x else x,
}
_RENAMED: Final = {
    "ln": "log",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
}


def _function(at: Evaluator, name: str) -> Callable[[Number], Number]:
    lib = at.lib or cmath
    if name in _REST:
        return lambda value: _REST[name](lib, value)
    found = getattr(lib, _RENAMED.get(name, name), None) if name in _KNOWN else None
    if found is None:
        raise NoValueError(f"function {name}")
    function: Callable[[Number], Number] = found
    return function


_KNOWN: Final = frozenset(_RENAMED) | frozenset(["sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "exp"])


def _evaluate_log(at: Evaluator, node: Node) -> Number:
    log = at.lib.log if at.lib else cmath.log
    return log(at.value(node.args[0])) / log(at.value(node.args[1]))


def _evaluate_factorial(at: Evaluator, node: Node) -> Number:
    value = at.value(node.args[0])
    if is_imaginary(value) or abs(value) > (400 if at.lib else 150) or value.real < 0:
        raise NoValueError("a factorial out of range")
    return at.lib.gamma(value + 1) if at.lib else complex(math.gamma(value.real + 1))


def _evaluate_double_factorial(at: Evaluator, node: Node) -> Number:
    value = at.value(node.args[0])
    if not _whole(value) or not -1 <= value.real <= 150:
        raise NoValueError("a double factorial out of range")
    return at.number(Fraction(math.prod(range(int(value.real), 0, -2))))


def _evaluate_binomial(at: Evaluator, node: Node) -> Number:
    top, bottom = at.value(node.args[0]), at.value(node.args[1])
    if is_imaginary(top) or is_imaginary(bottom) or max(abs(top), abs(bottom)) > 150 or min(top.real, bottom.real) < 0:
        raise NoValueError("a binomial out of range")
    if at.lib:
        return at.lib.binomial(top, bottom)
    return complex(math.gamma(top.real + 1) / math.gamma(bottom.real + 1) / math.gamma(top.real - bottom.real + 1))


def _evaluate_step(at: Evaluator, node: Node) -> Number:
    value = at.value(node.args[0])
    if is_imaginary(value) or abs(value) > (1e15 if at.lib is None else 10.0 ** (at.digits - 25)):
        raise NoValueError("a step out of range")
    nearest = at.lib.nint(value.real) if at.lib else round(value.real)
    on_a_step = abs(value.real - nearest) < (1e-40 if at.lib else 1e-9)  # 2n/5 at n = 5 is 2, whatever 1/5 rounds to
    if on_a_step:
        found = nearest
    elif at.lib:
        found = (at.lib.floor if node.op == "floor" else at.lib.ceil)(value.real)
    else:
        found = (math.floor if node.op == "floor" else math.ceil)(value.real)
    return at.lib.mpf(found) if at.lib else complex(found)


def _evaluate_series(at: Evaluator, node: Node) -> Number:
    if node.op == "sum" and node.args[3] == INFINITY:
        return _endless_sum(at, node)
    first, last = at.value(node.args[2]), at.value(node.args[3])
    if not (_whole(first) and _whole(last)) or abs(last - first) > _MAX_SUM_TERMS:
        raise NoValueError("bounds of a sum")
    total = at.number(Fraction(node.op == "prod"))
    for term in _terms(at, node, int(first.real), int(last.real)):
        total = total + term if node.op == "sum" else total * term
    return total


def _terms(at: Evaluator, node: Node, first: int, last: int) -> Generator[Number]:
    """The members of a sum or product, one by one."""
    body, name, outer = node.args[0], str(node.args[1].value), at.point
    try:
        for step in range(first, last + 1):
            at.point = {**outer, name: float(step)}
            yield at.value(body)
    finally:
        at.point = outer


def _endless_sum(at: Evaluator, node: Node) -> Number:
    """A series whose terms become negligible soon; one whose terms do not shrink is given up at once."""
    first = at.value(node.args[2])
    if not _whole(first):
        raise NoValueError("bounds of a sum")
    total, before = at.number(Fraction(0)), None
    negligible = growing = 0
    with closing(_terms(at, node, int(first.real), int(first.real) + _MAX_SUM_TERMS)) as terms:
        for term in terms:
            total, size = total + term, abs(term)
            negligible = negligible + 1 if size * 10 ** (at.digits + 3) < abs(total) else 0
            growing = growing + 1 if before is not None and size > _SHRINKING * before else 0
            before = size
            if negligible >= _NEGLIGIBLE_TERMS:
                return total
            if growing >= _GROWING_TERMS:
                break
    raise NoValueError("a series that converges slowly, or not")


def _evaluate_cases(at: Evaluator, node: Node) -> Number:
    for row in node.args:
        value, condition = row.args
        if _holds(at, condition):
            return at.value(value)
    raise NoValueError("no case holds")


def _holds(at: Evaluator, condition: Node) -> bool:
    if condition.op == "text":
        return True  # otherwise
    if condition.op == "list":
        holds = any if condition.value == "or" else all
        return holds(_holds(at, part) for part in condition.args)
    if condition.op != "chain":
        raise NoValueError("a condition that is no relation")
    members = [at.value(part) for part in condition.args]
    if any(is_imaginary(member) for member in members):
        raise NoValueError("an order of complex numbers")
    links = zip(str(condition.value).split(), members, members[1:], strict=False)
    return all(_related(sign, left.real, right.real) for sign, left, right in links)


def _related(sign: str, left: Any, right: Any) -> bool:
    if sign not in _ORDERS:
        raise NoValueError(f"a condition with {sign}")
    return bool(_ORDERS[sign](left, right))


_ORDERS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_RULES: Final[dict[str, Callable[[Evaluator, Node], Number]]] = {
    "num": _evaluate_number,
    "sym": _evaluate_symbol,
    "const": _evaluate_constant,
    "add": _evaluate_sum,
    "mul": _evaluate_product,
    "pow": _evaluate_power,
    "fn": _evaluate_function,
    "log": _evaluate_log,
    "abs": lambda at, node: at.number(Fraction(0)) + abs(at.value(node.args[0])),
    "fact": _evaluate_factorial,
    "fact2": _evaluate_double_factorial,
    "binom": _evaluate_binomial,
    "floor": _evaluate_step,
    "ceil": _evaluate_step,
    "pct": lambda at, node: at.value(node.args[0]) / 100,
    "deg": lambda at, node: at.value(node.args[0]) * _evaluate_constant(at, Node("const", (), "pi")) / 180,
    "app": _evaluate_opaque,
    "idx": _evaluate_opaque,
    "cases": _evaluate_cases,
    "sum": _evaluate_series,
    "prod": _evaluate_series,
}
