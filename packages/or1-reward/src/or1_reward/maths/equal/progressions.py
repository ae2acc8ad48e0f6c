r"""Lists with an ellipsis written out: `1, 2, \ldots, 10`, `2, 4, 8, \ldots, 1024`."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from or1_reward.maths.equal import exact
from or1_reward.maths.parse.nodes import Node, num, sym

_DOTS: Final = sym("dots")
_MOST: Final = 2_000


def progressed(node: Node) -> Node:
    """A list or set of numbers with one ellipsis written out; anything else as it is."""
    if node.op not in ("list", "set") or node.args.count(_DOTS) != 1:
        return node
    at = node.args.index(_DOTS)
    values = [exact.rational(part) for part in (*node.args[:at], *node.args[at + 1 :])]
    if None in values or at == 0 or at == len(node.args) - 1:
        return node
    numbers = [value for value in values if value is not None]
    members = _arithmetic(numbers[:at], numbers[at:]) or _geometric(numbers[:at], numbers[at:])
    members = members or _quadratic(numbers[:at], numbers[at:])
    return node if members is None else node._replace(args=tuple(map(num, members)))


def _arithmetic(before: list[Fraction], behind: list[Fraction]) -> list[Fraction] | None:
    """Equal steps; one number alone counts up by one."""
    step = before[1] - before[0] if len(before) > 1 else Fraction(1)
    if step == 0 or (behind[-1] - before[0]) / step > _MOST:
        return None
    members = [before[0] + step * at for at in range(int((behind[-1] - before[0]) / step) + 1)]
    return members if members[: len(before)] == before and members[-len(behind) :] == behind else None


def _geometric(before: list[Fraction], behind: list[Fraction]) -> list[Fraction] | None:
    if len(before) < 3 or 0 in before or abs(before[1] / before[0]) <= 1:
        return None
    ratio, members = before[1] / before[0], [before[0]]
    while abs(members[-1]) < abs(behind[-1]) and len(members) < _MOST:
        members.append(members[-1] * ratio)
    return members if members[: len(before)] == before and members[-len(behind) :] == behind else None


def _quadratic(before: list[Fraction], behind: list[Fraction]) -> list[Fraction] | None:
    """Constant second differences, as of squares; three numbers say what they are."""
    if len(before) < 3:
        return None
    second = before[2] - 2 * before[1] + before[0]
    members = before[:3]
    if second <= 0 or members[2] <= members[1]:
        return None
    while members[-1] < behind[-1] and len(members) < _MOST:
        members.append(2 * members[-1] - members[-2] + second)
    return members if members[: len(before)] == before and members[-len(behind) :] == behind else None
