"""Sums, products and scalar multiples of matrices, carried out on trees."""

from __future__ import annotations

from or1_reward.maths.parse.nodes import Node, num

_MAX_ENTRIES = 400


def evaluated(node: Node) -> Node | None:
    """The tree with its matrix arithmetic done: one matrix or one value; None where shapes do not fit."""
    if node.op == "matrix":
        return node if sum(len(row.args) for row in node.args) <= _MAX_ENTRIES else None
    if node.op not in ("add", "mul"):
        return None if any(evaluated(part) is None or evaluated(part) != part for part in node.args) else node
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
    return Node(
        "matrix", tuple(_row([Node("add", pair) for pair in zip(a.args, b.args, strict=True)]) for a, b in rows)
    )


def _product(left: Node, right: Node) -> Node | None:
    if left.op != "matrix" and right.op != "matrix":
        return Node("mul", (left, right))
    if left.op != "matrix" or right.op != "matrix":
        scalar, matrix = (left, right) if right.op == "matrix" else (right, left)
        return Node("matrix", tuple(_row([Node("mul", (scalar, entry)) for entry in row.args]) for row in matrix.args))
    if len(left.args[0].args) != len(right.args) or len(left.args) * len(right.args[0].args) > _MAX_ENTRIES:
        return None
    columns = list(zip(*(row.args for row in right.args), strict=True))
    return Node("matrix", tuple(_row([_dot(row.args, column) for column in columns]) for row in left.args))


def _dot(left: tuple[Node, ...], right: tuple[Node, ...]) -> Node:
    return Node("add", (num(0), *(Node("mul", pair) for pair in zip(left, right, strict=True))))


def _row(entries: list[Node]) -> Node:
    return Node("row", tuple(entries))
