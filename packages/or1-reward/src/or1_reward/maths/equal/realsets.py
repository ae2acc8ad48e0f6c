r"""Sets of real numbers, however written: intervals, inequalities, unions, differences, finite sets.

All become a sorted list of pieces between ends that keep their exact trees, so that `x \ne 2` is
`(-\infty, 2) \cup (2, \infty)` and `0 < x \le 5` is `(0, 5]`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from or1_reward.maths.equal import exact, numeric
from or1_reward.maths.equal.polynomials import ONE, UndecidedError
from or1_reward.maths.equal.reduce import is_name, is_order, relations
from or1_reward.maths.parse.nodes import INFINITY, Node, negative, num, symbols

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}
_MINUS_INFINITY = negative(INFINITY)


_HALF_LINES = {"reals+": ">", "reals-": "<", "reals>0": ">", "reals<0": "<", "reals\\ge0": ">=", "reals\\geq0": ">="}


class Piece(NamedTuple):
    """An interval; `at` and `to` are where its ends sort, `low` and `high` what they are."""

    at: float
    low: Node
    low_closed: bool
    to: float
    high: Node
    high_closed: bool


def real_set(node: Node) -> list[Piece] | None:
    """The pieces of a set of reals, in order and joined where they touch; None for anything else."""
    pieces = _pieces(node)
    return None if pieces is None else _joined(pieces)


def isolated(node: Node) -> tuple[Node, Node] | None:
    """The variable and the set that an inequality, or a list of them, describes (`x < 2` is x and (-inf, 2))."""
    if is_order(node):
        return _from_order(node)
    if node.op == "list" and node.args and all(is_order(part) for part in node.args):
        parts = [_from_order(part) for part in node.args]
        if any(part is None for part in parts) or len({part[0] for part in parts if part}) != 1:
            return None
        sets = [part[1] for part in parts if part]
        both = reduce(lambda left, right: Node("inter", (left, right)), sets)
        if node.value == "or" or _pieces(both) == []:  # nobody answers `x < 2, x > 5` to say that nothing is left
            both = reduce(lambda left, right: Node("union", (left, right)), sets)
        return parts[0][0], both  # type: ignore[index]
    return None


def _from_order(node: Node) -> tuple[Node, Node] | None:
    signs = relations(node)
    if len(node.args) == 3 and is_name(node.args[1]) and "!=" not in signs:
        between = _between(node, signs)
        return _between_sizes(*between) if between and between[0].op == "abs" else between
    if len(node.args) != 2:
        return None
    left, right = node.args
    sign = signs[0]
    if is_name(right) and not is_name(left):
        left, right, sign = right, left, _FLIPPED[sign]
    if left.op == "abs" and is_name(left.args[0]) and not symbols(right):
        return left.args[0], _within(right, sign)
    if left.op == "abs" and not symbols(right) and (within := _linear_size(left.args[0], right, sign)) is not None:
        return within
    if left.op == "pow" and left.args[1] == num(2) and is_name(left.args[0]) and right.op == "num" and _positive(right):
        return left.args[0], _within(Node("pow", (right, num(Fraction(1, 2)))), sign)
    if not is_name(left):
        return _linear(left, right, sign)
    return (left, _ray(right, sign)) if not symbols(right) & symbols(left) else None


def _between(node: Node, signs: list[str]) -> tuple[Node, Node] | None:
    low, variable, high = node.args
    if signs[0][0] != signs[1][0]:
        return None
    if signs[0][0] == ">":
        low, high, signs = high, low, [_FLIPPED[sign] for sign in reversed(signs)]
    return variable, Node(
        "interval", (low, high), ("[" if "=" in signs[0] else "(") + ("]" if "=" in signs[1] else ")")
    )


def _between_sizes(size: Node, sizes: Node) -> tuple[Node, Node] | None:
    """`1 < |z| < 2` as z and (-2, -1) and (1, 2)."""
    (low, high), brackets = sizes.args, str(sizes.value)
    at = _place(low)
    if not is_name(size.args[0]) or at is None or at < 0:
        return None
    flipped = {"[": "]", "(": ")", "]": "[", ")": "("}
    mirrored = Node("interval", (negative(high), negative(low)), flipped[brackets[1]] + flipped[brackets[0]])
    return size.args[0], Node("union", (mirrored, sizes))


def _linear(left: Node, right: Node, sign: str) -> tuple[Node, Node] | None:
    """`2x + 1 < 5` as x and (-inf, 2); rational coefficients of one symbol only."""
    names = symbols(left) | symbols(right)
    try:
        poly = exact.normal(Node("add", (left, negative(right))))
    except UndecidedError:
        return None
    if len(names) != 1 or not poly:
        return None
    (name,) = names
    slope = poly.get(((name, ONE),))
    if slope is None or any(monomial not in ((), ((name, ONE),)) for monomial in poly):
        return None
    bound = num(-poly.get((), ONE * 0) / slope)
    return Node("sym", (), name), _ray(bound, sign if slope > 0 else _FLIPPED[sign])


def _positive(bound: Node) -> bool:
    place = _place(bound)
    return place is not None and place > 0


def _linear_size(inside: Node, bound: Node, sign: str) -> tuple[Node, Node] | None:
    """`|2x - 1| < 3` as x and the interval between, `> 3` as the two rays."""
    low, high = _linear(inside, negative(bound), _FLIPPED[sign]), _linear(inside, bound, sign)
    if low is None or high is None or sign == "!=" or not _positive(bound):
        return None
    return high[0], Node("inter" if sign[0] == "<" else "union", (low[1], high[1]))


def _within(bound: Node, sign: str) -> Node:
    """`|x| < c` and `|x| > c`."""
    closed = "=" in sign
    if sign[0] == "<":
        return Node("interval", (negative(bound), bound), "[]" if closed else "()")
    if sign == "!=":
        return Node("minus", (Node("text", (), "reals"), Node("set", (negative(bound), bound))))
    low, high = _ray(negative(bound), "<=" if closed else "<"), _ray(bound, ">=" if closed else ">")
    return Node("union", (low, high))


def _ray(bound: Node, sign: str) -> Node:
    if sign == "!=":
        return Node("minus", (Node("text", (), "reals"), Node("set", (bound,))))
    if sign[0] == "<":
        return Node("interval", (_MINUS_INFINITY, bound), "(" + ("]" if sign == "<=" else ")"))
    return Node("interval", (bound, INFINITY), ("[" if sign == ">=" else "(") + ")")


def _pieces(node: Node) -> list[Piece] | None:
    if node.op in ("interval", "tuple", "bracket") and len(node.args) == 2:
        brackets = str(node.value) if node.op == "interval" else "()" if node.op == "tuple" else "[]"
        return _interval(node.args[0], node.args[1], brackets)
    if node.op == "text" and node.value in _HALF_LINES:
        return _pieces(_ray(num(0), _HALF_LINES[str(node.value)]))
    if node.op == "text" and node.value in ("reals", "all real numbers", "all reals"):
        return _interval(_MINUS_INFINITY, INFINITY, "()")
    if node.op == "set":
        points = [_interval(point, point, "[]") for point in node.args]
        return None if any(point is None for point in points) else [point[0] for point in points if point]
    if node.op == "union":
        first, second = _pieces(node.args[0]), _pieces(node.args[1])
        return None if first is None or second is None else first + second
    if node.op == "add" and len(node.args) == 2 and node.args[1].op == "mul" and node.args[1].args[0] == num(-1):
        return _pieces(Node("minus", (node.args[0], node.args[1].args[1])))  # R - {1}
    if node.op in ("minus", "inter"):
        first, second = real_set(node.args[0]), real_set(node.args[1])
        if first is None or second is None:
            return None
        return _intersection(first, second if node.op == "inter" else _complement(second))
    order = isolated(node)
    return None if order is None else _pieces(order[1])


def _interval(low: Node, high: Node, brackets: str) -> list[Piece] | None:
    at, to = _place(low), _place(high)
    if at is None or to is None or at > to or (at == to and brackets != "[]"):
        return None  # `(2, 2)` is a point of the plane, not an empty set
    low_closed, high_closed = brackets[0] == "[" and not math.isinf(at), brackets[1] == "]" and not math.isinf(to)
    return [Piece(at, low, low_closed, to, high, high_closed)]


def _place(node: Node) -> float | None:
    if node == INFINITY:
        return math.inf
    if node == _MINUS_INFINITY:
        return -math.inf
    value = numeric.decimal_of(node)
    return None if value is None else float(value)


def _joined(pieces: list[Piece]) -> list[Piece]:
    done: list[Piece] = []
    for piece in sorted(pieces, key=lambda part: (part.at, not part.low_closed)):
        last = done[-1] if done else None
        if last and (piece.at < last.to or (piece.at == last.to and (piece.low_closed or last.high_closed))):
            if (piece.to, piece.high_closed) > (last.to, last.high_closed):
                done[-1] = last._replace(to=piece.to, high=piece.high, high_closed=piece.high_closed)
        else:
            done.append(piece)
    return [piece for piece in done if piece.at < piece.to or (piece.low_closed and piece.high_closed)]


def _complement(pieces: list[Piece]) -> list[Piece]:
    gaps: list[Piece] = []
    at, low, closed = -math.inf, _MINUS_INFINITY, False
    for piece in pieces:
        gaps.append(Piece(at, low, closed, piece.at, piece.low, not piece.low_closed))
        at, low, closed = piece.to, piece.high, not piece.high_closed
    gaps.append(Piece(at, low, closed, math.inf, INFINITY, False))
    return [gap for gap in gaps if gap.at < gap.to or (gap.at == gap.to and gap.low_closed and gap.high_closed)]


def _intersection(first: list[Piece], second: list[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for a in first:
        for b in second:
            at, low, low_closed = max(
                (a.at, a.low, a.low_closed), (b.at, b.low, b.low_closed), key=lambda e: (e[0], not e[2])
            )
            to, high, high_closed = min(
                (a.to, a.high, a.high_closed), (b.to, b.high, b.high_closed), key=lambda e: (e[0], e[2])
            )
            if at < to or (at == to and low_closed and high_closed and not math.isinf(at)):
                found.append(Piece(at, low, low_closed, to, high, high_closed))
    return found
