"""Letters: constants, symbols with primes and indices, opaque functions."""

from __future__ import annotations

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.arguments import argument
from or1_reward.maths.parse.brackets import bracketed
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, num, sym, text_of
from or1_reward.maths.parse.numbers import exact_number

_INVERSE = ["^", "{", "-", "1", "}", "("]


def letter(p: Cursor, name: str) -> Node:
    """A one-letter symbol: a constant, an opaque function of brackets behind it, an indexed symbol."""
    if name in ("e", "i") and p.peek().text != "_" and name not in p.bound:
        return grammar.CONSTANTS[name]
    node = indexed(p, sym(name))
    if name in grammar.OPAQUE_LETTERS and [p.peek(at).text for at in range(6)] == _INVERSE:
        for _ in range(5):
            p.advance()
        return applied(p, sym(f"{name}^-1"))
    if [p.peek(at).text for at in (0, 1)] == ["{", "("] and name in grammar.OPAQUE_LETTERS:
        return applied_in_braces(p, node)
    opaque = p.peek().text == "(" and not p.peek().spaced and is_function(p, name)
    return applied(p, node) if opaque else node


def is_function(p: Cursor, name: str) -> bool:
    """Whether a letter before a bracket names a function: `f(...)`, and a capital before a number, `P(0)`."""
    return name in grammar.OPAQUE_LETTERS or (name.isupper() and p.peek(1).kind == "num" and p.peek(2).text == ")")


def indexed(p: Cursor, node: Node) -> Node:
    """Primes and a subscript in either order (`f'_1`, `f_1'`), and digits stuck to a letter (`x1`)."""
    name, index = str(node.value) + primes(p), None
    token = p.peek()
    if token.text == "_":
        p.advance()
        index = subscript(p)
        name += primes(p)
    elif (
        token.kind == "num"
        and not token.spaced
        and token.text.isdigit()
        and len(name) == 1
        and p.peek(1).text not in ("^", "**")  # `n2^{n-1}` is a product
    ):
        p.advance()
        index = num(exact_number(token.text))
    return sym(name) if index is None else Node("idx", (sym(name), index))


def primes(p: Cursor) -> str:
    r"""`'`, `^\prime`, `^{\prime\prime}`, as apostrophes."""
    found = ""
    while True:
        if p.peek().text == "'":
            p.advance()
        elif p.peek().text == "^" and p.peek(1).text == "\\prime":
            p.advance()
            p.advance()
        elif (count := braced_primes(p)) > 0:
            for _ in range(count + 3):
                p.advance()
            found += "'" * (count - 1)
        else:
            return found
        found += "'"


def braced_primes(p: Cursor) -> int:
    r"""How many primes `^{\prime\prime}` ahead holds; 0 where something else is ahead."""
    if [p.peek(at).text for at in (0, 1)] != ["^", "{"]:
        return 0
    count = 0
    while p.peek(2 + count).text in ("\\prime", "'"):
        count += 1
    return count if p.peek(2 + count).text == "}" else 0


def subscript(p: Cursor) -> Node:
    r"""What stands below a letter: an index, or a function's name as a label (`m_{\max}`)."""
    label = [p.peek(at) for at in range(3)]
    if label[0].text == "{" and label[2].text == "}" and label[1].text.lstrip("\\") in grammar.MACRO_FUNCTIONS:
        for _ in range(3):
            p.advance()
        return sym(label[1].text.lstrip("\\"))
    return argument(p)


def applied(p: Cursor, name: Node) -> Node:
    """`f(x)`: an opaque function of its arguments."""
    p.advance()
    node = bracketed(p, "(")
    return Node("app", node.args if node.op == "tuple" else (node,), text_of(name))


def applied_in_braces(p: Cursor, name: Node) -> Node:
    r"""`f{\left(x \right)}`: how sympy prints `f(x)`."""
    p.advance()
    node = applied(p, name)
    p.expect("}")
    return node
