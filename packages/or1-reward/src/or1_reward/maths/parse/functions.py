r"""Functions and their arguments: `\sin^2 x`, `\log_2(8)`, `\max(1, 2)`, roots."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.arguments import argument, group
from or1_reward.maths.parse.brackets import bracketed
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import I, Node, inverse, num, quotient
from or1_reward.maths.parse.powers import raised
from or1_reward.maths.parse.tables import determinant, diagonal
from or1_reward.maths.parse.tokens import ParseError, Token

_OWN_NODES: Final = {"abs": "abs", "floor": "floor", "ceil": "ceil", "factorial": "fact"}
_HALF: Final = quotient(num(1), num(2))


def function(p: Cursor, name: str) -> Node:
    r"""`\sin^2 x`, `\log_2(8)`, `\max(1, 2)`, `ln(x)^2`."""
    name = grammar.FUNCTION_NAMES.get(name, name)
    base = exponent = None
    while p.peek().text in ("_", "^", "**"):
        if p.advance().text == "_":
            base = argument(p)
        else:
            exponent = raised(p, num(0)).args[-1]
    if exponent is not None and exponent == num(-1) and name in grammar.INVERSES:
        name, exponent = grammar.INVERSES[name], None
    enclosed = p.peek().text in ("(", "{", "[", "\\{", "|")
    node = call(p, name, base, function_argument(p))
    if enclosed and exponent is None:
        return node
    return node if exponent is None else Node("pow", (node, exponent))


def call(p: Cursor, name: str, base: Node | None, argument: Node) -> Node:
    """The node of a function call."""
    parts = argument.args if argument.op in ("tuple", "list", "set") else (argument,)
    if not parts:
        raise ParseError(f"{name} of nothing")
    if name in grammar.LIST_FUNCTIONS:
        return Node("fn", parts, name)
    if (expanded := written_out(p, name, argument)) is not None:
        return expanded
    if name == "log" and (base is not None or len(parts) == 2):
        return Node("log", (parts[0], base if base is not None else parts[1]))
    if len(parts) != 1:
        raise ParseError(f"{name} takes one argument")
    if name == "log" and p.log_base is not None:
        return Node("log", (argument, num(p.log_base)))
    if name == "lg":
        return Node("log", (argument, num(10)))
    if name == "exp":
        return Node("pow", (grammar.CONSTANTS["e"], argument))
    if name in _OWN_NODES:
        return Node(_OWN_NODES[name], parts)
    return Node("fn", parts, "ln" if name == "log" else name)


def written_out(p: Cursor, name: str, argument: Node) -> Node | None:
    r"""`\operatorname{cis}` and the `\det` of a matrix by what they stand for."""
    if name == "cis" and argument.op not in ("tuple", "list", "set"):
        sine = Node("mul", (I, Node("fn", (argument,), "sin")))
        return Node("add", (Node("fn", (argument,), "cos"), sine))
    if name == "diag":
        return diagonal(argument.args if argument.op in ("tuple", "list", "set") else (argument,))
    return determinant(tuple(row.args for row in argument.args)) if name == "det" and argument.op == "matrix" else None


def function_argument(p: Cursor) -> Node:
    """The argument of a function: brackets, or factors side by side up to the next function or sign."""
    p.enter()
    token = p.peek()
    if token.kind == "op" and token.text in ("(", "[", "{", "\\{"):
        p.advance()
        node = group(p) if token.text == "{" else bracketed(p, token.text)
        p.leave()
        return node.args[0] if node.op == "set" and len(node.args) == 1 else node
    factors = [signed_power(p)]
    while continues_argument(p, p.peek()):
        factors.append(p.rules.power(p))
    if p.peek().text == "/" and p.peek(1).kind == "num" and not p.peek().spaced:
        p.advance()
        factors.append(inverse(p.rules.power(p)))
    p.leave()
    return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))


def signed_power(p: Cursor) -> Node:
    r"""A power behind signs (`\sin -x`)."""
    if p.peek().kind == "op" and p.peek().text in "+-":
        minus = p.advance().text == "-"
        inner = signed_power(p)
        return Node("mul", (num(-1), inner)) if minus else inner
    return p.rules.power(p)


def continues_argument(p: Cursor, token: Token) -> bool:
    """Whether a token still belongs to an argument without brackets."""
    if token.kind == "name":
        return token.text in grammar.CONSTANTS
    if token.kind == "op" or not p.rules.starts_factor(token):
        return False
    return token.kind != "macro" or token.text[1:] not in grammar.MACRO_FUNCTIONS | {
        "sqrt",
        "int",
        "sum",
        "prod",
        "lim",
    }


def root(p: Cursor) -> Node:
    r"""`\sqrt[n]{x}`, `\sqrt2`, `sqrt(2)`."""
    degree = num(2)
    if p.peek().text == "[":
        p.advance()
        degree = p.rules.listing(p)
        p.expect("]")
    token = p.peek()
    if token.text == "(":
        p.advance()
        body = bracketed(p, "(")
    else:
        body = argument(p)
    return Node("pow", (body, _HALF if degree == num(2) else inverse(degree)))
