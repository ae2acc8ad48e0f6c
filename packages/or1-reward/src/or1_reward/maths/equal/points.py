r"""Points at which two expressions are compared: several scales, and both sides of every corner.

Analytic expressions that agree at a few points agree everywhere. What is not analytic (absolute values, maxima, roots,
logarithms, steps) may agree on one side of a corner only, or be defined far from 0 only: there, points are taken
between all corners that are found along lines through two base points, so that every case of `|x-5|` and the domain
of `\ln(x-10)` are met.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Final

from or1_reward.maths.equal.evaluator import Evaluator, NoValueError, is_imaginary, seeded
from or1_reward.maths.parse.nodes import ONE, Node, negative, walk

Point = dict[str, float]

_SCALES: Final = (0.05, 9.0, 80.0, 2500.0)
_MAX_CORNERS: Final = 10
_MAX_LINES: Final = 4
_MAX_POINTS: Final = 90
_STEP_POINTS: Final = 40
_GRID: Final = tuple(sign * 1.35**power for sign in (-1, 1) for power in range(-8, 26))
_BISECTIONS: Final = 45
_TINY: Final = 1e-9
_MOST_COMPARED: Final = 5  # arguments of a maximum


def real_points(names: list[str]) -> list[Point]:
    """Four positive points, one negative and two of any sign, all near 0; without symbols, one empty point."""
    if not names:
        return [{}]
    points = [{name: seeded(name, at).uniform(0.2, 2.7) for name in names} for at in range(4)]
    points += [{name: seeded(name, at).uniform(-2.5, -0.1) for name in names} for at in (4,)]
    return points + [{name: seeded(name, at).uniform(-2.7, 2.7) for name in names} for at in (5, 6)]


def whole_points(names: list[str]) -> list[Point]:
    """Whole numbers from 1 to 30, small ones more often."""
    small = [{name: float(seeded(name, at).randint(2, 9)) for name in names} for at in range(7, 13)]
    ones = [dict.fromkeys(names, 1.0)]
    return [
        *small,
        *ones,
        *({name: float(seeded(name, at).randint(10, 30)) for name in names} for at in (30, 31)),
        *({name: float(seeded(name, at).randint(31, 99)) for name in names} for at in (32, 33)),
    ]


def small_points(names: list[str]) -> list[Point]:
    """Where power series converge fast."""
    return [{name: seeded(name, at).uniform(-0.4, 0.4) for name in names} for at in range(14, 17)] if names else []


def points_for(left: Node, right: Node, names: list[str]) -> list[Point]:
    """Points for two expressions in `names`: near 0 for analytic ones, else at all scales and around all corners."""
    points = real_points(names)
    corners = list(dict.fromkeys(corner for side in (left, right) for corner in _corners(side)))
    if not names or not corners:
        return points
    points += [
        {name: seeded(name, 40 + at).uniform(0.5, 1.5) * scale * _sign(name, at, several) for name in names}
        for at, scale in enumerate(_SCALES)
        for several in (False, True)
    ]
    for base in (points[0], points[-4]):
        for name in names[:_MAX_LINES]:
            points += _around(name, base, corners[:_MAX_CORNERS])
    points = [point for at, point in enumerate(points) if point not in points[:at]]
    step = max(1, len(points) // _MAX_POINTS)
    return points[::step]


def step_points(left: Node, right: Node, names: list[str], *, whole: bool) -> list[Point]:
    """Many points for floors and ceilings, spread over their steps, far from 0 and on whole numbers.

    `whole`: all names stand for whole numbers, which is what letters that count something do by convention.
    """
    points = [{name: float(seeded(name, at).randint(0, 99)) for name in names} for at in range(20, 20 + _STEP_POINTS)]
    if not whole:
        points += [{name: seeded(name, at).uniform(-60, 60) for name in names} for at in range(70, 70 + _STEP_POINTS)]
    steps = list(dict.fromkeys(part for side in (left, right) for part in _steps(side)))
    for inner in steps[:_MAX_CORNERS]:
        for name in names[:_MAX_LINES]:
            for base in points[:2]:
                points += _over_steps(inner, name, base, whole=whole)
    return points


def _sign(name: str, at: int, several: bool) -> float:
    return seeded(name, 60 + at).choice((-1.0, 1.0)) if several else 1.0


def _corners(node: Node) -> Iterator[Node]:
    """Expressions at whose zeros a tree has a corner, a pole, or an end of its domain."""
    for part in walk(node):
        rule = _CORNERS.get(str(part.value) if part.op == "fn" else part.op)
        if rule is not None:
            yield from rule(part)


def _first_argument(node: Node) -> Iterator[Node]:
    yield node.args[0]


def _differences(node: Node) -> Iterator[Node]:
    for first, second in combinations(node.args[:_MOST_COMPARED], 2):
        yield _minus(first, second)


def _unit_ends(node: Node) -> Iterator[Node]:
    yield _minus(node.args[0], ONE)
    yield Node("add", (node.args[0], ONE))


def _case_ends(node: Node) -> Iterator[Node]:
    for row in node.args:
        for condition in walk(row.args[-1]):
            if condition.op == "chain":
                yield from (_minus(first, second) for first, second in pairwise(condition.args))


def _power_base(node: Node) -> Iterator[Node]:
    exponent = node.args[1]
    if not (isinstance(exponent.value, Fraction) and exponent.value.denominator == 1):
        yield node.args[0]


_CORNERS: Final[dict[str, Callable[[Node], Iterator[Node]]]] = {
    **dict.fromkeys(("abs", "sgn", "ln", "sqrt", "mod", "arg"), _first_argument),
    "log": lambda node: iter(node.args),
    **dict.fromkeys(("max", "min"), _differences),
    **dict.fromkeys(("arcsin", "arccos", "arctanh", "arcsec", "arccsc"), _unit_ends),
    "arccosh": lambda node: iter((_minus(node.args[0], ONE),)),
    "cases": _case_ends,
    "pow": _power_base,
}


def _steps(node: Node) -> Iterator[Node]:
    """What stands in floors and ceilings, and quotients of remainders."""
    for part in walk(node):
        if part.op in ("floor", "ceil"):
            yield part.args[0]
        elif part.op == "fn" and part.value == "mod":
            yield Node("mul", (part.args[0], Node("pow", (part.args[1], negative(ONE)))))


def _minus(first: Node, second: Node) -> Node:
    return Node("add", (first, negative(second)))


def _around(name: str, base: Point, corners: list[Node]) -> list[Point]:
    """Points between and beyond the corners along one line."""
    found = sorted(root for corner in corners for root in _roots(corner, name, base))
    roots = [root for at, root in enumerate(found) if at == 0 or root - found[at - 1] > _TINY * (1 + abs(root))]
    roots = roots[: 2 * _MAX_CORNERS]
    if not roots:
        return []
    values = [low + (high - low) * share for low, high in pairwise(roots) for share in (0.37, 0.81)]
    for distance in (0.13, 1.7, 31.0):
        values += [roots[0] - distance * (1 + 0.1 * abs(roots[0])), roots[-1] + distance * (1 + 0.1 * abs(roots[-1]))]
    values += [
        rounded for root in roots if abs(root - (rounded := round(root * 12) / 12)) < _TINY
    ]  # the corners themselves
    return [{**base, name: value} for value in values]


def _roots(node: Node, name: str, base: Point) -> list[float]:
    """Real zeros along a line: of linear and quadratic expressions exactly, of others by a grid's changes of sign."""
    samples = [real_value(node, {**base, name: at}) for at in (0.0, 1.0, -1.0, 3.0, 7.0)]
    if None not in samples:
        zero, one, minus, three, seven = (float(value) for value in samples if value is not None)
        a, b = (one + minus) / 2 - zero, (one - minus) / 2
        size = 1e-9 * (1 + max(map(abs, (zero, one, minus, three, seven))))
        if abs(9 * a + 3 * b + zero - three) < size and abs(49 * a + 7 * b + zero - seven) < size:
            return _quadratic(a if abs(a) > size else 0.0, b, zero)
    return _bisected(node, name, base)


def _quadratic(a: float, b: float, c: float) -> list[float]:
    if a == 0:
        return [-c / b] if abs(b) > _TINY else []
    root = b * b - 4 * a * c
    return [] if root < 0 else [(-b - math.sqrt(root)) / (2 * a), (-b + math.sqrt(root)) / (2 * a)]


def _bisected(node: Node, name: str, base: Point) -> list[float]:
    grid = sorted(_GRID)
    values = [real_value(node, {**base, name: at}) for at in grid]
    found = []
    for (low, high), (first, second) in zip(pairwise(grid), pairwise(values), strict=True):
        if first is None or second is None:
            if (first is None) != (second is None):
                found.append(low if first is None else high)  # an end of the domain, roughly
        elif first * second < 0:
            found.append(_bisect(node, name, base, low, high, rising=second > 0))
    return found[:_MAX_CORNERS]


def _bisect(node: Node, name: str, base: Point, low: float, high: float, *, rising: bool) -> float:
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        value = real_value(node, {**base, name: middle})
        if value is None:
            break
        low, high = (low, middle) if (value > 0) == rising else (middle, high)
    return (low + high) / 2


def spread_points(names: list[str]) -> list[Point]:
    """Points near 0 of all signs."""
    return real_points(names) + small_points(names)


def roots_along(node: Node, name: str, base: Point) -> list[float]:
    """Real zeros in one variable, the others fixed, without the ends of domains."""
    found = [root for root in _roots(node, name, base) if _is_zero(node, {**base, name: root})]
    return [root for at, root in enumerate(sorted(found)) if at == 0 or root - sorted(found)[at - 1] > _TINY]


def _is_zero(node: Node, point: Point) -> bool:
    value = real_value(node, point)
    return value is not None and abs(value) < 1e-6


def real_value(node: Node, point: Point) -> float | None:
    """The real value of a tree at a point in floats; None where it has none."""
    try:
        value = Evaluator(point, digits=None).value(node)
    except NoValueError:
        return None
    return None if is_imaginary(value) or not math.isfinite(value.real) else float(value.real)


def _over_steps(inner: Node, name: str, base: Point, *, whole: bool) -> list[Point]:
    """Points on several steps of one floor or ceiling, however wide its steps are."""
    zero, one = real_value(inner, {**base, name: 0.0}), real_value(inner, {**base, name: 1.0})
    if zero is None or one is None or abs(one - zero) < _TINY:
        return []
    values = [(step + 0.37 - zero) / (one - zero) for step in (-3, -1, 0, 1, 2, 5, 11, 23)]
    values = [float(round(value)) for value in values if value >= 0] if whole else values
    return [{**base, name: value} for value in values if abs(value) < 1e12]
