r"""Equations of curves solved for one variable: `\ln y = 2x` is `y = e^{2x}`, `x^2+y^2=4` is `y = \pm\sqrt{4-x^2}`."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.equal.points import Point, points_for, real_value, roots_along, spread_points
from or1_reward.maths.equal.reduce import alternatives
from or1_reward.maths.parse.nodes import Node, negative, symbols

_ENOUGH: Final = 3
_APART: Final = 1e-6
_SMALLEST: Final = 0.12
_LARGEST: Final = 1_000.0


def solves(solution: Node, equation: Node) -> bool:
    """Whether `solution` names one variable of a curve and gives just its real roots, at several points.

    Equations in one variable alone are left out: there, the solution is what was asked for.
    """
    if len(solution.args) != 2 or len(equation.args) != 2 or solution.value != "=" or equation.value != "=":
        return False
    name, value = solution.args
    names = symbols(equation)
    if name.op != "sym" or name.value not in names or len(names) < 2 or symbols(value) != names - {name.value}:
        return False
    difference = Node("add", (equation.args[0], negative(equation.args[1])))
    points = spread_points(sorted(names)) + points_for(difference, value, sorted(names))
    seen = [_agrees(difference, str(name.value), alternatives(value), point) for point in points]
    return False not in seen and seen.count(True) >= _ENOUGH


def _agrees(difference: Node, name: str, values: tuple[Node, ...], point: Point) -> bool | None:
    """Whether the values are the roots at one point; None where there are neither."""
    stated = [real_value(value, point) for value in values]
    given = sorted({round(value, 9) for value in stated if value is not None})
    if any(not _SMALLEST < abs(value) < _LARGEST for value in given):
        return None  # where the search for roots does not look closely
    found = sorted(roots_along(difference, name, point))
    if not given and not found:
        return None
    if len(given) != len(found):
        return False
    return all(abs(one - other) <= _APART * (1 + abs(one)) for one, other in zip(given, found, strict=True))
