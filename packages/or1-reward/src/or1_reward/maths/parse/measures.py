"""Words in answers: phrases, units behind values, numbers in words."""

from __future__ import annotations

from fractions import Fraction

from or1_reward.maths.parse import vocabulary
from or1_reward.maths.parse.arguments import argument
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, num, text_of
from or1_reward.maths.parse.tokens import ParseError, Token
from or1_reward.maths.parse.units import canonical_unit

TEXT_KINDS = frozenset(("text", "word"))
_NO_UNITS = vocabulary.words(
    "since because where when if but not then so is are was which thus or and false wrong incorrect unless except "
    "maybe perhaps possibly never neither nor plus minus times over factorial alternatively otherwise"
)
_POWERS_ALONE = vocabulary.words("squared cubed square cubic")
_DENIALS = vocabulary.words("not never neither nor either maybe perhaps possibly probably unless except or")
_PARTS = {
    3: "third",
    4: "quarter",
    5: "fifth",
    6: "sixth",
    7: "seventh",
    8: "eighth",
    9: "ninth",
    10: "tenth",
    100: "hundredth",
    1000: "thousandth",
}
_NUMBER_WORDS: dict[str, int | Fraction] = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    **{f"{name}s": 10**power for name, power in (("hundred", 2), ("thousand", 3), ("million", 6), ("billion", 9))},
    "dozens": 12,
    **dict.fromkeys(("half", "halves"), Fraction(1, 2)),
    **{word: Fraction(1, value) for value, names in _PARTS.items() for word in (names, f"{names}s")},
}


def phrase(p: Cursor, first: Token) -> Node:
    """A phrase of text tokens."""
    words = [first.text]
    while p.peek().kind in TEXT_KINDS:
        words.append(p.advance().text)
    if p.peek().kind != "end" and not _DENIALS.isdisjoint(" ".join(words).casefold().split()):
        raise ParseError(f"{words[0]!r} before an answer")  # `not x = 4`
    return Node("text", (), " ".join(words))


def with_unit(p: Cursor, node: Node) -> Node:
    """`node` measured in what the text says, powers and slashes included (`m/s^2`)."""
    unit = str(phrase(p, p.advance()).value)
    said = unit.casefold().replace(",", " ").split()
    if said == ["times"] and p.peek().kind == "end":
        return Node("unit", (node,), unit)
    if not _NO_UNITS.isdisjoint(said) or (said and said[0] in _POWERS_ALONE and len(said) == 1):
        raise ParseError(f"{unit!r} is no unit")
    if said and said[0] in _NUMBER_WORDS:
        node = Node("mul", (node, num(_NUMBER_WORDS[said[0]])))
        unit = unit.partition(" ")[2]
        if not unit:
            return node
    while (
        p.peek().text == "^"
        or p.peek().kind in TEXT_KINDS
        or (p.peek().text in ("/", "\\cdot") and p.peek(1).kind in TEXT_KINDS)
        or (p.peek().text == "/" and p.peek(1).kind == "sym" and canonical_unit(f"{unit}/{p.peek(1).text}"))
    ):
        sign = "" if p.peek().kind in TEXT_KINDS else p.advance().text
        if sign == "^":
            power = argument(p) if p.peek().text != "-" else atom_behind_minus(p)
            unit += f"^{text_of(power)}"
        else:
            letter = p.peek().kind == "sym"  # the h of `5 km/h`
            unit += ("/" if sign == "/" else "*") + (p.advance().text if letter else str(phrase(p, p.advance()).value))
    return Node("unit", (node,), unit)


def atom_behind_minus(p: Cursor) -> Node:
    """A negative exponent without braces."""
    p.advance()
    node = p.rules.atom(p)
    return num(-node.value) if isinstance(node.value, Fraction) else node
