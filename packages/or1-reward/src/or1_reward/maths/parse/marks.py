"""Binomials, marks on letters, braces with labels, sets of numbers."""

from __future__ import annotations

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.arguments import argument
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, sym
from or1_reward.maths.parse.tokens import ParseError


def binomial(p: Cursor) -> Node:
    r"""`\binom{n}{k}`."""
    return Node("binom", (argument(p), argument(p)))


def decorated(p: Cursor) -> Node:
    r"""`\overline{AB}`, `\vec{v}`: opaque, for a mark may change what is meant."""
    node = Node("app", (argument(p),), "mark")
    if p.peek().text != "_":
        return node
    p.advance()
    return Node("idx", (node, argument(p)))


def underbrace(p: Cursor) -> Node:
    r"""`\underbrace{2 \cdots 2}_{n}`: opaque, with its label."""
    inner = argument(p)
    label: tuple[Node, ...] = ()
    if p.peek().text in ("_", "^"):
        p.advance()
        label = (argument(p),)
    return Node("app", (inner, *label), "brace")


def number_set(p: Cursor) -> Node:
    r"""`\mathbb{R}` with its `^+`, `_{>0}` marks."""
    token = p.advance()
    if token.text == "{":
        token = p.advance()
        p.expect("}")
    name = grammar.NUMBER_SETS.get(token.text)
    if name is None:
        return sym(f"bb{token.text}")
    mark = ""
    if p.peek().text in ("^", "_") and (p.peek(1).text in ("+", "*", "-") or p.peek(1).text == "{"):
        p.advance()
        braced = p.peek().text == "{" and bool(p.advance())
        mark = p.advance().text
        while braced and p.peek().text != "}":
            mark += p.advance().text
        if braced:
            p.advance()
    return Node("text", (), f"{name}{mark}")


def negated(p: Cursor) -> Node:
    r"""`\not` begins nothing."""
    raise ParseError("unexpected \\not")
