"""Values at points: floats refute in microseconds, sixty digits confirm, and 250 at one point.

Symbols stand for real numbers. Two expressions count as equal when they agree wherever both are real (or where
imaginary parts were written down on purpose), at points of both signs; parameters of factorials, sums and powers of
negative numbers stand for whole numbers. Agreement is evidence, not proof, and is reported as such.
"""

from __future__ import annotations

import math
from typing import Final

from or1_reward.maths.equal.evaluator import DIGITS, MORE_DIGITS, Evaluator, NoValueError, Number, is_imaginary, seeded
from or1_reward.maths.parse.nodes import INFINITY, Node, mentions, symbols, walk

_AGREE: Final = 10.0**-45
_NOISE_DIGITS: Final = 15  # what rounding may cost of the digits
_FLOAT_APART: Final = 1e-6
_WHOLE_PLACES: Final = {"fact": 0, "fact2": 0, "binom": 0, "pow": 1, "sum": 2, "prod": 2}  # arguments from here on
_WHOLE_NAMES: Final = frozenset("nmkNMK")
_STEP_POINTS: Final = 40
_STEPS: Final = frozenset(("floor", "ceil"))
_NOT_EVALUATED: Final = frozenset(("int", "diff", "lim"))


def compare(left: Node, right: Node) -> bool | None:
    """True or False where values at points say so, None where there are no values.

    True: all points agree to forty-five digits. False: some point does not.
    """
    if mentions(left, _NOT_EVALUATED) or mentions(right, _NOT_EVALUATED):
        return None
    names = sorted(symbols(left) | symbols(right))
    written_imaginary = any(part.op == "const" and part.value == "i" for side in (left, right) for part in walk(side))
    if names and (mentions(left, _STEPS) or mentions(right, _STEPS)):
        return _with_steps(left, right, names)
    points = (_small_points(names) if _endless(left) or _endless(right) else []) + _real_points(names)
    outcome = _at_points(left, right, points, complex_matters=written_imaginary)
    if outcome is not True and names and _whole_parameters(left, right, frozenset(names)):
        whole = _at_points(left, right, _whole_points(names), complex_matters=True)
        return whole if whole is not None else outcome
    return outcome


def _with_steps(left: Node, right: Node, names: list[str]) -> bool | None:
    r"""Floors and ceilings are flat between steps, so many points are looked at, far from 0 and on whole numbers.

    Letters that by convention count something stand for whole numbers only: `\lceil n/2 \rceil` is
    `\lfloor (n+1)/2 \rfloor`, but `\lceil x \rceil` is not `x`.
    """
    whole = [{name: float(seeded(name, at).randint(0, 99)) for name in names} for at in range(20, 20 + _STEP_POINTS)]
    if _WHOLE_NAMES.issuperset(names):
        return _at_points(left, right, whole, complex_matters=True)
    spread = [{name: seeded(name, at).uniform(-60, 60) for name in names} for at in range(70, 70 + _STEP_POINTS)]
    return _at_points(left, right, whole + spread, complex_matters=True)


def proportional(left: Node, right: Node) -> int | None:
    """1 or -1: `left` is a constant of that sign times `right` at all points; 0: it is not; None: no values."""
    if mentions(left, _NOT_EVALUATED) or mentions(right, _NOT_EVALUATED):
        return None
    ratio: Number = None
    for point in _real_points(sorted(symbols(left) | symbols(right))):
        evaluator = Evaluator(point, digits=DIGITS)
        try:
            first, second = evaluator.value(left), evaluator.value(right)
            if first == 0 or second == 0:
                return 0 if first != second else None
            here = first / second
        except NoValueError:
            continue
        if is_imaginary(here) or (ratio is not None and abs(here - ratio) > _AGREE * abs(ratio) * 1e10):
            return 0
        ratio = here
    return None if ratio is None else 1 if ratio.real > 0 else -1


def decimal_of(node: Node) -> Number | None:
    """The real value of a constant to sixty digits (an mpmath number), None where it has none."""
    if symbols(node) or mentions(node, _NOT_EVALUATED):
        return None
    try:
        value = Evaluator({}, digits=DIGITS).value(node)
    except NoValueError:
        return None
    return None if is_imaginary(value) else value.real


def _whole_parameters(left: Node, right: Node, names: frozenset[str]) -> bool:
    """Whether a free symbol stands in a factorial, a binomial, a bound or an exponent."""
    parts = [part for side in (left, right) for part in walk(side) if part.op in _WHOLE_PLACES]
    return any(symbols(place) & names for part in parts for place in part.args[_WHOLE_PLACES[part.op] :])


def _at_points(left: Node, right: Node, points: list[dict[str, float]], *, complex_matters: bool) -> bool | None:
    agreed = []
    for digits in (None, DIGITS):
        for point in points:
            verdict = _at(left, right, point, digits, complex_matters=complex_matters)
            if verdict is False:
                return False
            if verdict:
                agreed.append(point)
    if len(agreed) < min(2, len(points)):
        return None
    return _at(left, right, agreed[0], MORE_DIGITS, complex_matters=complex_matters) is not False


def _at(left: Node, right: Node, point: dict[str, float], digits: int | None, *, complex_matters: bool) -> bool | None:
    """Whether the sides agree at one point; None: no value, or not real although nothing imaginary was written."""
    evaluator = Evaluator(point, digits=digits)
    try:
        first, second = evaluator.value(left), evaluator.value(right)
        evaluator_scale = max(evaluator.scale, 0.0)
        gap, size = abs(first - second), max(abs(first), abs(second))
    except NoValueError:
        return None
    except (OverflowError, ValueError, ZeroDivisionError, TypeError):
        return None
    if not complex_matters and point and (evaluator.left_the_reals or is_imaginary(first) or is_imaginary(second)):
        return None  # not defined over the reals, though two imaginary parts may have cancelled
    if digits is None:
        trusted = size > 1e-9 * evaluator_scale and not math.isnan(gap)
        return False if trusted and gap > _FLOAT_APART * size else None
    if size == 0:
        return True
    return bool(gap * evaluator.lib.mpf(10) ** (digits - _NOISE_DIGITS) <= max(size, evaluator_scale))


def _endless(node: Node) -> bool:
    """Whether a series to infinity is in a tree."""
    return any(part.op == "sum" and part.args[-1] == INFINITY for part in walk(node))


def _small_points(names: list[str]) -> list[dict[str, float]]:
    """Where power series converge fast."""
    return [{name: seeded(name, at).uniform(-0.4, 0.4) for name in names} for at in range(14, 17)] if names else []


def _real_points(names: list[str]) -> list[dict[str, float]]:
    """Four positive points and two of any sign; without symbols, one empty point."""
    if not names:
        return [{}]
    points = [{name: seeded(name, at).uniform(0.2, 2.7) for name in names} for at in range(4)]
    points += [{name: seeded(name, at).uniform(-2.5, -0.1) for name in names} for at in (4,)]
    return points + [{name: seeded(name, at).uniform(-2.7, 2.7) for name in names} for at in (5, 6)]


def _whole_points(names: list[str]) -> list[dict[str, float]]:
    return [{name: float(seeded(name, at).randint(2, 9)) for name in names} for at in range(7, 13)]
