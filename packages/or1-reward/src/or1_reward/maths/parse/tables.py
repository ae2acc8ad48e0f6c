"""Environments with rows: matrices, alignments, cases; determinants."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, num
from or1_reward.maths.parse.tokens import ParseError

_MAX_DETERMINANT: Final = 4


def environment(p: Cursor, name: str) -> Node:
    """Matrices and their relatives; alignments of one row are their content."""
    rows: list[Node] = []
    cells: list[Node] = []
    end = f"\\end{{{name}}}"
    if name not in grammar.MATRICES | grammar.ALIGNMENTS:
        raise ParseError(f"environment {name}")
    while p.peek().text != end:
        if p.peek().text == "\\hline":
            p.advance()
            continue
        cells.append(p.rules.listing(p))
        separator = p.peek().text
        if separator == "&":
            p.advance()
        elif separator == "\\\\":
            p.advance()
            rows.append(Node("row", tuple(cells)))
            cells = []
        elif separator != end:
            raise ParseError(f"unexpected {separator!r} in a matrix")
    p.advance()
    if cells:
        rows.append(Node("row", tuple(cells)))
    return table(p, name, rows)


def table(p: Cursor, name: str, rows: list[Node]) -> Node:
    """What an environment makes of its rows."""
    if not rows or len({len(row.args) for row in rows}) != 1:
        raise ParseError("a matrix with uneven rows")
    equations = all(row.args[0].op == "chain" for row in rows) and len(rows[0].args) == 1
    if equations or (len(rows) == 1 and name in grammar.ALIGNMENTS):
        return Node("list", tuple(row.args[0] for row in rows)) if len(rows) > 1 else rows[0].args[0]
    if name in grammar.ALIGNMENTS:
        return Node("app", tuple(rows), name)
    matrix = Node("matrix", tuple(rows))
    return determinant(tuple(row.args for row in rows)) if name == "vmatrix" else matrix


def determinant(rows: tuple[tuple[Node, ...], ...]) -> Node:
    """The determinant of a small matrix, written out along its first row."""
    if len(rows) != len(rows[0]) or len(rows) > _MAX_DETERMINANT:
        raise ParseError("a determinant of this shape")
    if len(rows) == 1:
        return rows[0][0]
    terms = []
    for column, entry in enumerate(rows[0]):
        minor = determinant(tuple(row[:column] + row[column + 1 :] for row in rows[1:]))
        terms.append(Node("mul", (num((-1) ** column), entry, minor)))
    return Node("add", tuple(terms))
