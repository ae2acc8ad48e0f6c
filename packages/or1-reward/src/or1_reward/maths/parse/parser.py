"""A recursive-descent parser for the answers people and models write: LaTeX, plain text and sympy's own spelling.

The grammar, loosest first: lists (`,` `;` and or), chains of relations, unions, sums, products (also by
juxtaposition), signs, powers and postfixes, atoms. Nothing is evaluated, nothing is skipped: what does not fit is a
`ParseError`. Depth and number sizes are bounded, so that parsing is linear in the text.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from or1_reward.maths.parse.atoms import atom, starts_factor
from or1_reward.maths.parse.bars import paired
from or1_reward.maths.parse.cursor import Cursor, Rules
from or1_reward.maths.parse.lists import listing
from or1_reward.maths.parse.nodes import Node
from or1_reward.maths.parse.operators import addition, power, product
from or1_reward.maths.parse.tokens import ParseError, tokenize


class Reading(NamedTuple):
    r"""`1,234` as a number or a list; `2e-1` as a number or with Euler's e; `\log` without a base as ln or decadic."""

    thousands: bool = True
    scientific: bool = True
    decadic: bool = False


USUAL: Final = Reading()
_RULES: Final = Rules(listing, addition, product, power, atom, starts_factor)


def parse(text: str, reading: Reading = USUAL) -> Node:
    """The tree of one tidied answer, in one reading of what can be read in two ways.

    Raises:
        ParseError: the text, or a part of it, is outside of the grammar.
    """
    tokens = paired(tokenize(text, thousands=reading.thousands, scientific=reading.scientific))
    cursor = Cursor(tokens, _RULES, log_base=10 if reading.decadic else None)
    if cursor.peek().kind == "end":
        raise ParseError("empty")
    node = listing(cursor)
    if cursor.peek().kind != "end":
        raise ParseError(f"unexpected {cursor.peek().text!r}")
    return node


__all__ = ["ParseError", "Reading", "parse"]
