"""Values at points: floats refute in microseconds, sixty digits confirm, and 250 at one point.

Symbols stand for real numbers. Two expressions count as equal when they agree wherever both are real (or where
imaginary parts were written down on purpose), at the points of `points`; parameters of factorials, sums and powers of
negative numbers stand for whole numbers. Agreement is evidence, not proof, and is reported as such.
"""

from __future__ import annotations

import math
from typing import Final

from or1_reward.maths.equal.evaluator import DIGITS, MORE_DIGITS, Evaluator, NoValueError, Number, is_imaginary
from or1_reward.maths.equal.points import Point, points_for, small_points, step_points, whole_points
from or1_reward.maths.parse.nodes import INFINITY, Node, mentions, symbols, walk

_AGREE: Final = 10.0**-45
_NOISE_DIGITS: Final = 15  # what rounding may cost of the digits
_FLOAT_APART: Final = 1e-6
_WHOLE_PLACES: Final = {"fact": 0, "fact2": 0, "binom": 0, "pow": 1, "sum": 2, "prod": 2}  # arguments from here on
_COUNTING_NAMES: Final = frozenset("nmkNMK")
_WHOLE_NAMES: Final = frozenset("nmkNMKijrl")
_STEPS: Final = frozenset(("floor", "ceil"))
_NOT_EVALUATED: Final = frozenset(("int", "diff", "lim"))
_CONFIRMED: Final = 12  # points at which sixty digits are compared
_ENOUGH: Final = 2  # points with a value on both sides, without which there is no evidence


def compare(left: Node, right: Node) -> bool | None:
    """True or False where values at points say so, None where there are no values.

    True: all points agree to forty-five digits. False: some point does not.
    """
    if mentions(left, _NOT_EVALUATED) or mentions(right, _NOT_EVALUATED):
        return None
    names = sorted(symbols(left) | symbols(right))
    written_imaginary = any(part.op == "const" and part.value == "i" for side in (left, right) for part in walk(side))
    if names and _has_steps(left, right):
        whole = _COUNTING_NAMES.issuperset(names)
        return _at_points(left, right, step_points(left, right, names, whole=whole), complex_matters=True)
    points = points_for(left, right, names)
    if _endless(left) or _endless(right):
        points = small_points(names) + points
    outcome = _at_points(left, right, points, complex_matters=written_imaginary)
    if outcome is not True and names and _whole_parameters(left, right, frozenset(names)):
        at_whole = _at_points(left, right, whole_points(names), complex_matters=True)
        overrides = outcome is None or at_whole is False or _WHOLE_NAMES.issuperset(names)
        return at_whole if at_whole is not None and overrides else outcome
    return outcome


def proportional(left: Node, right: Node) -> int | None:
    """1 or -1: `left` is a constant of that sign times `right` at all points; 0: it is not; None: no values."""
    if mentions(left, _NOT_EVALUATED) or mentions(right, _NOT_EVALUATED):
        return None
    names = sorted(symbols(left) | symbols(right))
    steps = names and _has_steps(left, right)
    points = step_points(left, right, names, whole=False) if steps else points_for(left, right, names)
    for digits in (None, DIGITS):
        ratios = [_ratio(left, right, point, digits) for point in (points if digits is None else _spread(points))]
        found = [ratio for ratio in ratios if ratio is not None]
        if not found:
            return None
        if any(ratio == 0 or is_imaginary(ratio) for ratio in found):
            return 0
        apart = _FLOAT_APART if digits is None else _AGREE * 1e10
        if any(abs(ratio - found[0]) > apart * abs(found[0]) for ratio in found):
            return 0
    return 1 if found[0].real > 0 else -1


def _ratio(left: Node, right: Node, point: Point, digits: int | None) -> Number | None:
    """`left / right` at one point; 0 where just one of them is 0, None where there is no ratio."""
    evaluator = Evaluator(point, digits=digits)
    try:
        first, second = evaluator.value(left), evaluator.value(right)
        if first == 0 or second == 0:
            return 0 if first != second and digits is not None else None
        return None if evaluator.left_the_reals else first / second
    except (NoValueError, OverflowError, ZeroDivisionError):
        return None


def is_constant(node: Node) -> bool:
    """Whether a real expression has one value at all points where it has one, at three of them at least."""
    names = sorted(symbols(node))
    if mentions(node, _NOT_EVALUATED) or _has_steps(node, node):
        return False
    values: list[Number] = []
    for point in points_for(node, node, names):
        evaluator = Evaluator(point, digits=DIGITS)
        try:
            value = evaluator.value(node)
        except NoValueError:
            continue
        if not is_imaginary(value) and not evaluator.left_the_reals:
            values.append(value)
            if abs(value - values[0]) * evaluator.lib.mpf(10) ** (DIGITS - _NOISE_DIGITS) > max(evaluator.scale, 1e-3):
                return False
    return len(values) > _ENOUGH


def decimal_of(node: Node) -> Number | None:
    """The real value of a constant to sixty digits (an mpmath number), None where it has none."""
    if symbols(node) or mentions(node, _NOT_EVALUATED):
        return None
    try:
        value = Evaluator({}, digits=DIGITS).value(node)
    except NoValueError:
        return None
    return None if is_imaginary(value) else value.real


def _has_steps(left: Node, right: Node) -> bool:
    return any(
        part.op in _STEPS or (part.op == "fn" and part.value == "mod") for side in (left, right) for part in walk(side)
    )


def _whole_parameters(left: Node, right: Node, names: frozenset[str]) -> bool:
    """Whether a free symbol stands in a factorial, a binomial, a bound or an exponent."""
    parts = [part for side in (left, right) for part in walk(side) if part.op in _WHOLE_PLACES]
    return any(symbols(place) & names for part in parts for place in part.args[_WHOLE_PLACES[part.op] :])


def _at_points(left: Node, right: Node, points: list[Point], *, complex_matters: bool) -> bool | None:
    agreed = []
    for point in points:
        verdict = _at(left, right, point, None, complex_matters=complex_matters)
        if verdict is False:
            return False
        if verdict is not None or not point:
            agreed.append(point)
    confirmed = []
    for point in _spread(agreed):
        verdict = _at(left, right, point, DIGITS, complex_matters=complex_matters)
        if verdict is False:
            return False
        if verdict:
            confirmed.append(point)
    if len(confirmed) < min(_ENOUGH, len(points)):
        return None
    return _at(left, right, confirmed[0], MORE_DIGITS, complex_matters=complex_matters) is not False


def _spread(points: list[Point]) -> list[Point]:
    """Some of the points, from all parts of the list."""
    count = len(points)
    return points if count <= _CONFIRMED else [points[at * count // _CONFIRMED] for at in range(_CONFIRMED)]


def _at(left: Node, right: Node, point: Point, digits: int | None, *, complex_matters: bool) -> bool | None:
    """Whether the sides agree at one point; None: no value, or not real although nothing imaginary was written.

    Floats only refute: True from them says no more than that both sides have a value here.
    """
    evaluator = Evaluator(point, digits=digits)
    try:
        first, second = evaluator.value(left), evaluator.value(right)
        scale = max(evaluator.scale, 0.0)
        gap, size = abs(first - second), max(abs(first), abs(second))
    except NoValueError:
        return None
    except (OverflowError, ValueError, ZeroDivisionError, TypeError):
        return None
    if not complex_matters and point and (evaluator.left_the_reals or is_imaginary(first) or is_imaginary(second)):
        return None  # not defined over the reals, though two imaginary parts may have cancelled
    if digits is None:
        trusted = size > 1e-9 * scale and not math.isnan(gap)
        return not (trusted and gap > _FLOAT_APART * size)
    if size == 0:
        return True
    return bool(gap * evaluator.lib.mpf(10) ** (digits - _NOISE_DIGITS) <= max(size, scale))


def _endless(node: Node) -> bool:
    """Whether a series to infinity is in a tree."""
    return any(part.op == "sum" and part.args[-1] == INFINITY for part in walk(node))
