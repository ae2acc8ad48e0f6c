"""Atoms: numbers, symbols, brackets, functions, fractions, roots, sums, matrices, text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from or1_reward.maths.parse import bars, brackets, calculus, grammar, marks
from or1_reward.maths.parse.arguments import argument
from or1_reward.maths.parse.brackets import bracketed
from or1_reward.maths.parse.calculus import fraction
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.functions import function, root
from or1_reward.maths.parse.letters import indexed, letter, primes
from or1_reward.maths.parse.measures import TEXT_KINDS, phrase
from or1_reward.maths.parse.nodes import Node, num, quotient
from or1_reward.maths.parse.numbers import exact_number
from or1_reward.maths.parse.sympy_calls import sympy_call
from or1_reward.maths.parse.tables import environment
from or1_reward.maths.parse.tokens import ParseError, Token
from or1_reward.maths.parse.vocabulary import COUNTS


def starts_factor(token: Token) -> bool:
    """Whether a token can begin a factor that stands beside another."""
    if token.kind in ("num", "sym"):
        return True
    if token.kind == "name":
        return token.text not in ("and", "or", "union", "Union", "mod")
    if token.kind == "op":
        return token.text in ("(", "[", "{", "\\{", bars.OPEN)
    if token.kind != "macro":
        return False
    name = token.text[1:]
    return (
        (name in grammar.GREEK and not is_closing(name))
        or name in _STARTERS
        or name in _BINDERS
        or name.startswith("begin{")
    )


def atom(p: Cursor) -> Node:
    """One atom; see the module."""
    token = p.advance()
    if token.kind == "num":
        return number(p, token.text)
    if token.kind == "sym":
        return letter(p, token.text)
    if token.kind == "name":
        return named(p, token.text)
    if token.kind == "macro":
        return macro(p, token.text[1:])
    if token.kind in TEXT_KINDS:
        return phrase(p, token)
    return bracketed(p, token.text)


def named(p: Cursor, name: str) -> Node:
    """A plain word the grammar knows."""
    if name in grammar.CONSTANTS:
        return grammar.CONSTANTS[name]
    if name in grammar.GREEK:
        return indexed(p, grammar.greek(name))
    if name in ("sqrt", "root", "cbrt"):
        return root(p) if name != "cbrt" else Node("pow", (atom(p), quotient(num(1), num(3))))
    if name == "frac":
        return quotient(argument(p), argument(p))
    if name in grammar.SYMPY_CALLS:
        return sympy_call(p, name)
    if name in grammar.SET_OPERATORS or name in ("and", "or", "mod"):
        raise ParseError(f"unexpected {name!r}")
    return function(p, name)


def number(p: Cursor, text: str) -> Node:
    """A literal; digits with a subscript are written in that base (`4343_6`)."""
    node = num(exact_number(text))
    if p.peek().text == "_" and not p.peek().spaced:
        p.advance()
        base = argument(p)
        if base.op == "text" and base.value in COUNTS:
            base = num(COUNTS.index(str(base.value)))
        return Node("base", (node, base))
    if marks := primes(p):
        return Node("unit", (node,), marks)
    overline = p.peek().text in ("\\overline", "\\bar", "\\dot") and "." in text and not p.peek().spaced
    return repeating(p, text) if overline else node


def repeating(p: Cursor, text: str) -> Node:
    r"""`0.1\overline{6}` as a fraction."""
    p.advance()
    if p.peek().text == "{":
        p.advance()
    period = p.advance().text
    if p.peek().text == "}":
        p.advance()
    if not period.isdigit():
        raise ParseError("a period is made of digits")
    places = len(text.partition(".")[2])
    tail = exact_number(period) / ((10 ** len(period) - 1) * 10**places)
    return num(exact_number(text) + tail)


def macro(p: Cursor, name: str) -> Node:
    """A LaTeX command."""
    if name in grammar.FRACTIONS:
        return fraction(p)
    if name in grammar.CONSTANTS:
        return grammar.CONSTANTS[name]
    if name in ("emptyset", "varnothing"):
        return grammar.EMPTY_SET
    if name in grammar.MACRO_FUNCTIONS:
        return function(p, name)
    if name in grammar.GREEK:
        return indexed(p, grammar.greek(name))
    if name.startswith("begin{"):
        return environment(p, name[6:-1])
    handler = _BINDERS.get(name) or _HANDLERS.get(name)
    if handler is None:
        raise ParseError(f"unknown macro \\{name}")
    return handler(p)


def is_closing(name: str) -> bool:
    """Whether a letter-like macro cannot begin a factor here."""
    return name in ("circ", "prime", "ast", "star", "bullet")


_BINDERS: Final[dict[str, Callable[[Cursor], Node]]] = {
    "sum": lambda p: calculus.big_operator(p, "sum"),
    "prod": lambda p: calculus.big_operator(p, "prod"),
    "int": calculus.integral,
    "lim": calculus.limit,
    "langle": brackets.angle_brackets,
}
_MARKS: Final = (
    "overline bar vec hat widehat tilde overrightarrow dot ddot widetilde angle triangle measuredangle overarc overset"
)
_HANDLERS: Final[dict[str, Callable[[Cursor], Node]]] = {
    "sqrt": root,
    **dict.fromkeys(grammar.BINOMIALS, marks.binomial),
    **dict.fromkeys(_MARKS.split(), marks.decorated),
    **dict.fromkeys(("underline", "variable"), argument),
    **dict.fromkeys(("underbrace", "overbrace"), marks.underbrace),
    "lfloor": lambda p: brackets.between(p, "\\rfloor", "floor"),
    "lceil": lambda p: brackets.between(p, "\\rceil", "ceil"),
    "lvert": lambda p: brackets.bars_of(p, "\\rvert"),
    "lVert": lambda p: brackets.bars_of(p, "\\rVert"),
    "|": lambda p: brackets.bars_of(p, "\\|"),
    "mathbb": marks.number_set,
    "not": marks.negated,
    **dict.fromkeys(("mathbf", "mathcal", "mathfrak", "mathscr", "rm", "bf", "mathop"), atom),
}
_STARTERS: Final = (
    frozenset(_HANDLERS) | grammar.FRACTIONS | grammar.MACRO_FUNCTIONS | frozenset(grammar.CONSTANTS)
) - {"|", "not"}
