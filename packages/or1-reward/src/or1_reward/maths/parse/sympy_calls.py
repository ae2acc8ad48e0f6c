"""Answers printed by sympy: `Matrix([[1, 2]])`, `Rational(1, 2)`, `Interval.Lopen(0, 1)`."""

from __future__ import annotations

from functools import reduce

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.brackets import bracketed
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, quotient
from or1_reward.maths.parse.tokens import ParseError


def sympy_call(p: Cursor, name: str) -> Node:
    """`Matrix([[1, 2]])`, `Rational(1, 2)`, `Interval.Lopen(0, 1)`: answers printed by sympy."""
    brackets = open_ends(p) if name == "Interval" else ""
    p.expect("(")
    inner = bracketed(p, "(")
    parts = inner.args if inner.op == "tuple" else (inner,)
    if name == "FiniteSet":
        return Node("set", parts)
    if name == "Matrix":
        return matrix_of(p, parts)
    if name in grammar.SYMPY_SETS and len(parts) > 1:
        return reduce(lambda left, right: Node(grammar.SYMPY_SETS[name], (left, right)), parts)
    if len(parts) != 2:
        raise ParseError(f"{name} takes two arguments")
    if name == "Rational":
        return quotient(*parts)
    return {
        "Interval": Node("interval", parts, brackets),
        "Eq": Node("chain", parts, "="),
    }.get(name, Node("binom", parts))


def open_ends(p: Cursor) -> str:
    """The brackets of `Interval`, `Interval.open`, `Interval.Lopen` and `Interval.Ropen`."""
    if p.peek().text != ".":
        return "[]"
    p.advance()
    word = ""
    while p.peek().kind in ("sym", "word", "name", "text"):
        word += p.advance().text
    if word not in grammar.OPEN_ENDS:
        raise ParseError(f"Interval.{word}")
    return grammar.OPEN_ENDS[word]


def matrix_of(p: Cursor, parts: tuple[Node, ...]) -> Node:
    """Rows out of nested brackets."""
    if len(parts) != 1 or parts[0].op != "bracket":
        rows = parts if all(part.op == "bracket" for part in parts) else (Node("bracket", parts),)
    else:
        rows = parts[0].args
    rows = tuple(row if row.op == "bracket" else Node("bracket", (row,)) for row in rows)
    return Node("matrix", tuple(Node("row", row.args) for row in rows))
