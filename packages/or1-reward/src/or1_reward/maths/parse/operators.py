"""Sums, products, signs and juxtaposition."""

from __future__ import annotations

from fractions import Fraction

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.arguments import argument
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.measures import with_unit
from or1_reward.maths.parse.nodes import Node, inverse, negative, num, quotient
from or1_reward.maths.parse.numbers import exact_number
from or1_reward.maths.parse.powers import postfix
from or1_reward.maths.parse.tokens import ParseError, Token


def product_of(factors: list[Node]) -> Node:
    r"""Factors as one node; a set of one element beside another factor is a bracket (`\{x+y\} z`)."""
    if len(factors) == 1:
        return factors[0]
    return Node("mul", tuple(part.args[0] if part.op == "set" and len(part.args) == 1 else part for part in factors))


def addition(p: Cursor) -> Node:
    """Terms joined by + - ±."""
    p.enter()
    terms = [signed(p)]
    while True:
        token = p.peek()
        if token.text == "+" and token.kind == "op":
            p.advance()
            terms.append(signed(p))
        elif token.text == "-" and token.kind == "op":
            p.advance()
            terms.append(negative(signed(p)))
        elif token.text in ("\\pm", "\\mp"):
            p.advance()
            terms.append(Node("pm", (signed(p),), token.text[1:]))
        else:
            break
    p.leave()
    if len(terms) > 1 and terms[-1].op == "unit" and all(term.op != "unit" for term in terms[:-1]):
        return Node("unit", (Node("add", (*terms[:-1], terms[-1].args[0])),), terms[-1].value)
    return terms[0] if len(terms) == 1 else Node("add", tuple(terms))


def signed(p: Cursor) -> Node:
    """A product behind any number of signs."""
    token, minus = p.peek(), False
    while token.kind == "op" and token.text in "+-":
        minus ^= token.text == "-"
        p.advance()
        token = p.peek()
    if token.text in ("\\pm", "\\mp"):
        p.advance()
        node = Node("pm", (product(p),), token.text[1:])
        return negative(node) if minus else node
    if token.text == "+/-":
        raise ParseError("+/-")
    return product(p, minus=minus)


def product(p: Cursor, *, minus: bool = False) -> Node:
    """Factors joined by signs or by standing side by side, behind a minus or not; `a/b c` is `(a/b) c`."""
    factors = [power(p)]
    while True:
        token = p.peek()
        name = token.text.lstrip("\\") if token.kind == "macro" else token.text if token.kind == "op" else ""
        if name == "*" or (token.kind == "macro" and name in grammar.TIMES):
            p.advance()
            factors.append(signed_factor(p))
        elif name in ("/", "div"):
            p.advance()
            divide(p, factors, signed_factor(p))
        elif name in ("mod", "bmod", "pmod") and token.kind == "macro":
            number = product_of(factors)
            factors, minus = [modulo(p, negative(number) if minus else number)], False
        elif p.rules.starts_factor(token):
            juxtapose(p, factors)
        else:
            break
    node = measured(p, product_of(factors))
    return negative(node) if minus else node


def measured(p: Cursor, node: Node) -> Node:
    """A product with the unit behind it."""
    return with_unit(p, node) if p.peek().kind in ("text", "word") and node.op != "text" else node


def modulo(p: Cursor, node: Node) -> Node:
    r"""`17 \bmod 5` and `3 \pmod 7`: `equal.remainders` tells what they stand for."""
    of_class = p.advance().text == "\\pmod"
    modulus = argument(p) if p.peek().text == "{" else signed_factor(p)
    return Node("mod", (node, modulus), "class" if of_class else "remainder")


def divide(p: Cursor, factors: list[Node], factor: Node) -> None:
    """Put `/ factor` behind the factors, folded into a number where both are one."""
    if factors[-1].op == "num" and factor.op == "num":
        factors[-1] = quotient(factors[-1], factor)
    else:
        factors.append(inverse(factor))


def signed_factor(p: Cursor) -> Node:
    """The factor behind an explicit sign of multiplication: it may carry its own sign."""
    minus = False
    while p.peek().kind == "op" and p.peek().text in "+-":
        minus ^= p.advance().text == "-"
    factor = power(p)
    return negative(factor) if minus else factor


def juxtapose(p: Cursor, factors: list[Node]) -> None:
    r"""The next factor of `2x`; a literal whole number and a proper fraction are mixed (`3\frac12`, `3 1/2`).

    `(-1)\frac{2}{5}` is a product, as sympy prints it: brackets are not part of a literal.
    """
    token, before = p.peek(), factors[-1]
    literal = before.op == "num" and isinstance(before.value, Fraction) and before.value.denominator == 1
    whole = literal and p.peek(-1).kind == "num"
    if token.kind == "num" and p.peek(-1).kind in ("num", "sym"):
        raised = p.peek(1).text in ("^", "**") and (before.op in ("sym", "idx") or p.peek(-1).kind == "sym")
        if raised or (token.spaced and before.op == "pow"):
            factors.append(power(p))  # 2^6 3^5
        else:
            number_behind(p, factors, token, whole=whole)
        return
    if not (whole and token.text.lstrip("\\") in grammar.FRACTIONS):
        factors.append(power(p))
        return
    p.enter()
    factor, sign = p.rules.atom(p), p.peek()
    if isinstance(factor.value, Fraction) and 0 < factor.value < 1 and not is_raised(p, sign):
        factor = num(Fraction(factors.pop().value or 0) + factor.value)
    factors.append(postfix(p, factor))
    p.leave()


def is_raised(p: Cursor, sign: Token) -> bool:
    r"""Whether a power follows that is no degree: `3\frac{1}{2}^2` is a product, `3\frac{1}{2}^\circ` is mixed."""
    return sign.text in ("^", "**") and "\\circ" not in (p.peek(1).text, p.peek(2).text)


def number_behind(p: Cursor, factors: list[Node], token: Token, *, whole: bool) -> None:
    r"""A number behind a number: only `1 1/2` and `3 1\frac12` have a meaning."""
    following, after = p.peek(1), p.peek(2)
    if not (whole and token.spaced):
        raise ParseError(f"unexpected number {token.text!r}")
    if following.text == "/" and after.kind == "num" and token.text.isdigit() and after.text.isdigit():
        top, _, bottom = p.advance(), p.advance(), p.advance()
        fraction = exact_number(top.text) / (exact_number(bottom.text) or 1)
        if fraction >= 1:
            raise ParseError("two numbers side by side")
        factors[-1] = num(Fraction(factors[-1].value or 0) + fraction)
    elif following.text.lstrip("\\") in grammar.FRACTIONS:
        factors.append(power(p))
    else:
        raise ParseError("two numbers side by side")


def power(p: Cursor) -> Node:
    """An atom with its postfixes and exponent."""
    p.enter()
    node = postfix(p, p.rules.atom(p))
    p.leave()
    return node
