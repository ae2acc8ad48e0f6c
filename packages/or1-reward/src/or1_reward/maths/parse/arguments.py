"""What a macro takes behind it: a group in braces, or one digit, letter or macro; bounds of big operators."""

from __future__ import annotations

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, num, sym
from or1_reward.maths.parse.numbers import exact_number
from or1_reward.maths.parse.tokens import ParseError, Token


def argument(p: Cursor) -> Node:
    """What a macro takes: a group, or one digit, letter or macro."""
    token = p.peek()
    if token.kind == "num" and len(token.text) > 1:
        p.replace(Token("num", token.text[1:], False))
        if token.text[0] == ".":
            raise ParseError("unexpected '.'")
        return num(exact_number(token.text[0]))
    if token.kind == "num":
        return num(exact_number(p.advance().text))
    if token.kind == "op" and token.text == "{":
        p.advance()
        return group(p)
    if token.kind == "sym":
        p.advance()  # TeX takes one letter: \binom n2, \frac a2, \sum^n_{k=1}
        return grammar.CONSTANTS.get(token.text) or sym(token.text)
    return p.rules.atom(p)


def group(p: Cursor) -> Node:
    """The contents of `{ }` behind a macro; commas in it are a list, not a set."""
    if p.peek().text == "}":
        raise ParseError("empty group")
    node = p.rules.listing(p)
    if p.advance().text != "}":
        raise ParseError("missing }")
    return node


def argument_chain(p: Cursor) -> Node:
    """An argument; `i` in it is an index, not the imaginary unit."""
    bound, p.bound = p.bound, p.bound | {"i", "e"} if p.peek(1).text == "i" else p.bound
    node = argument(p)
    p.bound = bound
    return node


def bounds(p: Cursor) -> tuple[Node | None, Node | None]:
    """Subscript and superscript in either order."""
    low = high = None
    for _ in range(2):
        if [p.peek(at).text for at in (1, 2)] == ["{", "}"] and p.peek().text in ("_", "^"):
            for _ in range(3):
                p.advance()  # \int_{}^{}
        elif p.peek().text == "_" and low is None:
            p.advance()
            low = argument_chain(p)
        elif p.peek().text == "^" and high is None:
            p.advance()
            high = argument_chain(p)
    return low, high
