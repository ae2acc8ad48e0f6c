"""Binomials, marks on letters, braces with labels, sets of numbers."""

from __future__ import annotations

from fractions import Fraction

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.arguments import argument
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, num, sym
from or1_reward.maths.parse.tokens import ParseError


def binomial(p: Cursor) -> Node:
    r"""`\binom{n}{k}`."""
    return Node("binom", (argument(p), argument(p)))


def decorated(p: Cursor) -> Node:
    r"""`\overline{AB}`, `\vec{v}`: opaque, for a mark may change what is meant."""
    directed = p.peek(-1).text in ("\\vec", "\\overrightarrow")
    inner = argument(p)
    if directed and inner.op == "mul" and all(part.op == "sym" for part in inner.args):
        inner = sym("".join(str(part.value) for part in inner.args))  # from A to B is not from B to A
    node = Node("app", (inner,), "mark")
    if p.peek().text != "_":
        return node
    p.advance()
    return Node("idx", (node, argument(p)))


def underbrace(p: Cursor) -> Node:
    r"""`\underbrace{2 \cdots 2}_{n}`: opaque, with its label."""
    if p.peek().text == "{" and (digits := repeated_digit(p)) is not None:
        return digits
    inner = argument(p)
    label: tuple[Node, ...] = ()
    if p.peek().text in ("_", "^"):
        p.advance()
        label = (argument(p),)
    return Node("app", (inner, *label), "brace") if label else inner


def repeated_digit(p: Cursor) -> Node | None:
    r"""`\underbrace{99\ldots9}_{2024}`: as many equal digits as the label says; None where something else is ahead."""
    at, digits = 1, ""
    while p.peek(at).kind == "num" or p.peek(at).text in _DOTS:
        digits += p.peek(at).text if p.peek(at).kind == "num" else " "
        at += 1
    digit = digits[:1]
    if " " not in digits or not digit.isdigit() or set(digits) != {digit, " "}:
        return None
    if [p.peek(at + ahead).text for ahead in (0, 1)] != ["}", "_"]:
        return None
    for _ in range(at + 2):
        p.advance()
    count = argument(p)
    if count.op in ("text", "list") or (count.op == "unit" and count.args):
        count = count.args[0] if count.args else count
    power = Node("pow", (num(10), count))
    return Node("mul", (num(Fraction(int(digit), 9)), Node("add", (power, num(-1)))))


_DOTS = frozenset(("\\ldots", "\\cdots", "\\dots"))


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
