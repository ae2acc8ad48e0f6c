"""Sums, products and scalar multiples of matrices, carried out on trees."""

from __future__ import annotations

from fractions import Fraction
from functools import partial, reduce

from or1_reward.maths.budget import BudgetError, spend
from or1_reward.maths.parse.nodes import MOST_NODES, Node, num, size_of

_MAX_ENTRIES = 400


def evaluated(node: Node) -> Node | None:
    """The tree with its matrix arithmetic done: one matrix or one value; None where shapes do not fit."""
    spend()
    if node.op == "matrix":
        return node if sum(len(row.args) for row in node.args) <= _MAX_ENTRIES else None
    if node.op not in ("add", "mul"):
        return node if all(evaluated(part) == part for part in node.args) else None
    parts = [evaluated(part) if part.op in ("add", "mul", "matrix") else part for part in node.args]
    total: Node | None = parts[0]
    for part in parts[1:]:
        if total is None or part is None:
            return None
        total = _sum(total, part) if node.op == "add" else _product(total, part)
    return total


def _sum(left: Node, right: Node) -> Node | None:
    if left.op != "matrix" and right.op != "matrix":
        return Node("add", (left, right))
    if left.op != right.op or [len(row.args) for row in left.args] != [len(row.args) for row in right.args]:
        return None
    rows = zip(left.args, right.args, strict=True)
    return _matrix([[_folded("add", *pair) for pair in zip(a.args, b.args, strict=True)] for a, b in rows])


def _product(left: Node, right: Node) -> Node | None:
    if left.op != "matrix" and right.op != "matrix":
        return Node("mul", (left, right))
    if left.op != "matrix" or right.op != "matrix":
        scalar, matrix = (left, right) if right.op == "matrix" else (right, left)
        return _matrix([[_folded("mul", scalar, entry) for entry in row.args] for row in matrix.args])
    if len(left.args[0].args) != len(right.args) or len(left.args) * len(right.args[0].args) > _MAX_ENTRIES:
        return None
    columns = list(zip(*(row.args for row in right.args), strict=True))
    return _matrix([[_dot(row.args, column) for column in columns] for row in left.args])


def _dot(left: tuple[Node, ...], right: tuple[Node, ...]) -> Node:
    products = [_folded("mul", *pair) for pair in zip(left, right, strict=True)]
    return reduce(partial(_folded, "add"), products)


def _folded(op: str, left: Node, right: Node) -> Node:
    """A sum or product of two; of numbers, the number."""
    spend()
    if isinstance(left.value, Fraction) and isinstance(right.value, Fraction):
        return num(left.value + right.value if op == "add" else left.value * right.value)
    return Node(op, (left, right))


def _matrix(rows: list[list[Node]]) -> Node:
    """Raises `BudgetError` where the entries have grown too large."""
    matrix = Node("matrix", tuple(Node("row", tuple(entries)) for entries in rows))
    if size_of(matrix) > MOST_NODES:
        raise BudgetError("products of matrices with entries that grow too large")
    return matrix
