"""Sums, products, integrals, limits and derivatives."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.arguments import argument, bounds
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, num, quotient, sym
from or1_reward.maths.parse.tokens import ParseError, Token

_CLOSING: Final = frozenset((")", "]", "}", "\\}"))


def big_operator(p: Cursor, op: str) -> Node:
    r"""`\sum_{k=1}^{n} body`."""
    low, high = bounds(p)
    if low is None or low.op != "chain" or low.value != "=" or high is None or len(low.args) != 2:
        raise ParseError(f"{op} without bounds")
    variable = low.args[0]
    if variable.op != "sym":
        raise ParseError(f"{op} over something that is no variable")
    outer, p.bound = p.bound, p.bound | {str(variable.value)}
    body = product_of_body(p)
    p.bound = outer
    return Node(op, (body, variable, low.args[1], high))


def product_of_body(p: Cursor) -> Node:
    """What a big operator or a derivative applies to: one product."""
    p.enter()
    node = p.rules.product(p)
    p.leave()
    return node


def integral(p: Cursor) -> Node:
    r"""`\int_a^b body \, dx`."""
    low, high = bounds(p)
    if (low is None) != (high is None):
        raise ParseError("an integral with one bound")
    unwrap_integrand(p)
    end = differential_at(p)
    if end is None:
        raise ParseError("an integral without a differential")
    variable = p.tokens[end + 1]
    body = until(p, end)
    p.advance()
    p.advance()
    node = sym(variable.text.lstrip("\\"))
    return Node("int", (body, node) if low is None or high is None else (body, node, low, high))


def unwrap_integrand(p: Cursor) -> None:
    r"""Take a differential out of brackets that hold it and the integrand: `\int (x dx)`, `\int \frac{dz}{z}`."""
    start = p.at + (p.peek().text.lstrip("\\") in grammar.FRACTIONS)
    end = closing(p, start)
    if end is None or end - start < 3 or p.tokens[end - 2][:2] != ("sym", "d"):
        return
    inside, differential = p.tokens[start + 1 : end - 2], p.tokens[end - 2 : end]
    if start == p.at:
        p.tokens = [*p.tokens[:start], *inside, *differential, *p.tokens[end + 1 :]]
    elif (bottom := closing(p, end + 1)) is not None:  # \frac{3 dz}{z}
        if inside and inside[-1].text.lstrip("\\") in grammar.TIMES:
            inside.pop()
        top = inside or [Token("num", "1", False)]
        rest = [*p.tokens[end : bottom + 1], *differential, *p.tokens[bottom + 1 :]]
        p.tokens = [*p.tokens[: start + 1], *top, *rest]


def closing(p: Cursor, start: int) -> int | None:
    """Where the bracket at `start` is closed, None where there is none."""
    depth = 0
    for at in range(start, len(p.tokens)):
        depth += (p.tokens[at].text in grammar.CLOSERS) - (p.tokens[at].text in _CLOSING)
        if depth <= 0:
            return at if at > start else None
    return None


def differential_at(p: Cursor) -> int | None:
    """Where the `d` of `dx` that closes this integral stands."""
    open_integrals = 1
    for at in range(p.at, len(p.tokens) - 1):
        token, after = p.tokens[at], p.tokens[at + 1]
        open_integrals += token.text in ("\\int",)
        letter = after.kind == "sym" or (after.kind == "macro" and after.text[1:] in grammar.GREEK)
        if token.text == "d" and token.kind == "sym" and letter:
            open_integrals -= 1
            if not open_integrals:
                return at
    return None


def until(p: Cursor, end: int) -> Node:
    r"""Parse the tokens before `end` as a sum (`\int dx` is `\int 1 dx`)."""
    if p.at == end:
        return num(1)
    hidden, p.tokens = p.tokens, [*p.tokens[:end], p.tokens[-1]]
    try:
        node = p.rules.addition(p)
        if p.at != end:
            raise ParseError("an integrand with a rest")
    finally:
        p.tokens = hidden
    return node


def limit(p: Cursor) -> Node:
    r"""`\lim_{x \to 3^+} body`."""
    if p.advance().text != "_":
        raise ParseError("a limit without a variable")
    stop, p.stop_at_arrow = p.stop_at_arrow, False
    p.expect("{")
    variable = p.rules.atom(p)
    if grammar.RELATIONS.get(p.advance().text.lstrip("\\")) != "to" or variable.op != "sym":
        raise ParseError("a limit without an arrow")
    side = ""
    braces = p.peek().text == "{"
    if braces:
        p.advance()
    target = limit_target(p)
    if p.peek().text in ("+", "-") or (p.peek().text == "^" and p.peek(1).text in ("+", "-", "{")):
        side = "".join(p.advance().text for _ in range(2 if p.peek().text == "^" else 1)).strip("^")
        if side == "{":
            side = p.advance().text
            p.expect("}")
    for _ in range(1 + braces):
        p.expect("}")
    p.stop_at_arrow = stop
    return Node("lim", (product_of_body(p), variable, target), side or "+-")


def limit_target(p: Cursor) -> Node:
    """What the variable tends to; a sign behind it is the direction, not an exponent."""
    if p.peek().text in ("+", "-"):
        minus = p.advance().text == "-"
        return Node("mul", (num(-1), p.rules.atom(p))) if minus else p.rules.atom(p)
    return p.rules.atom(p) if p.peek(1).text in ("^", "+", "-", "}") else p.rules.addition(p)


def differential(p: Cursor, top: Node, bottom: Node) -> Node | None:
    r"""The variable of `\frac{d}{dx}` where that is what was read."""
    if top not in (sym("d"), sym("partial")) or bottom.op != "mul" or len(bottom.args) != 2:
        return None
    mark, variable = bottom.args
    return variable if mark == top and variable.op == "sym" else None


def derivative(p: Cursor, top: Node, bottom: Node) -> Node | None:
    r"""`\frac{dy}{dx}` as a name, not a quotient of products with a letter d."""
    if top.op != "mul" or bottom.op != "mul" or len(top.args) != 2 or len(bottom.args) != 2:
        return None
    (mark, of), (other, variable) = top.args, bottom.args
    if mark not in (sym("d"), sym("partial")) or other != mark or variable.op != "sym":
        return None
    return Node("app", (of, variable), "derivative") if of.op == "sym" else Node("diff", (of, variable))


def fraction(p: Cursor) -> Node:
    r"""`\frac{a}{b}`, `\frac12`, and the derivative `\frac{d}{dx}`."""
    top, bottom = argument(p), argument(p)
    variable = differential(p, top, bottom)
    if variable is not None:
        return Node("diff", (product_of_body(p), variable))
    return derivative(p, top, bottom) or quotient(top, bottom)
