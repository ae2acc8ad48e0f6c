"""What stands behind an atom: factorials, exponents, subscripts of powers, percent and degree signs."""

from __future__ import annotations

from or1_reward.maths.parse.arguments import argument, group
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, num
from or1_reward.maths.parse.numbers import exact_number
from or1_reward.maths.parse.tables import transposed

_TRANSPOSED = Node("text", (), "transposed")  # how `notation` writes the T of a transpose


def postfix(p: Cursor, node: Node) -> Node:
    """`! ^ % ° '` and units behind an atom."""
    while True:
        token = p.peek()
        if token.text == "!" and token.kind == "op":
            node = Node(factorials(p), (node,))
        elif token.text in ("^", "**") and token.kind == "op":
            p.advance()
            node = raised(p, node)
        elif token.text == "_" and node.op == "pow" and node.args[0].op in ("sym", "app"):
            p.advance()  # v^2_0 is (v_0)^2
            node = Node("pow", (Node("idx", (node.args[0], argument(p))), node.args[1]))
        elif token.text in ("%", "\\%") or (
            token.kind == "text" and token.text in ("pct", "percent", "percentage", "per cent")
        ):
            p.advance()
            node = Node("pct", (node,))
        elif token.text in ("\\degree", "\\textdegree") or (
            token.kind == "text" and token.text in ("deg", "degrees", "degree")
        ):
            p.advance()
            node = Node("deg", (node,))
        else:
            return node


def factorials(p: Cursor) -> str:
    """`5!!` is a double factorial, `(5!)!` and `5!!!` are factorials of factorials."""
    p.advance()
    if p.peek().text == "!" and not p.peek().spaced and p.peek(1).text != "!" and p.peek(-2).text != "!":
        p.advance()
        return "fact2"
    return "fact"


def raised(p: Cursor, base: Node) -> Node:
    r"""`base^exponent`; `^\circ` is a degree, exponents may carry a sign without braces."""
    if p.peek().text == "\\circ" or [p.peek(at).text for at in range(3)] == ["{", "\\circ", "}"]:
        for _ in range(3 if p.peek().text == "{" else 1):
            p.advance()
        scale = p.peek().kind in ("sym", "text") and p.peek().text in ("C", "F")
        return Node("unit", (base,), f"°{p.advance().text}") if scale else Node("deg", (base,))
    minus = False
    while p.peek().kind == "op" and p.peek().text in "+-":
        minus ^= p.advance().text == "-"
    if p.peek().text == "{":
        p.advance()
        exponent = group(p)
    else:
        digits = p.peek().kind == "num"
        exponent = num(exact_number(p.advance().text)) if digits else p.rules.atom(p)
        if p.peek().text in ("^", "**"):
            p.advance()
            exponent = raised(p, exponent)
        elif p.peek().text == "!":
            exponent = postfix(p, exponent)
    if exponent == _TRANSPOSED:
        return transposed(base) or Node("pow", (base, Node("sym", (), "T")))
    if minus:
        exponent = Node("mul", (num(-1), exponent)) if exponent.op != "num" else num(-exponent.value)  # type: ignore[operator]
    return Node("pow", (base, exponent))
