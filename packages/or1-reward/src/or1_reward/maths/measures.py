"""Words in answers: phrases, units behind values, numbers in words."""

from __future__ import annotations

from fractions import Fraction

from or1_reward.maths.letters import LetterParser
from or1_reward.maths.nodes import Node, num
from or1_reward.maths.tokens import ParseError, Token
from or1_reward.maths.vocabulary import words

TEXT_KINDS = frozenset(("text", "word"))
_NO_UNITS = words(
    "since because where when if but not then so is are was which thus or and false wrong incorrect unless except "
    "maybe perhaps possibly never neither nor plus minus times over half factorial"
)
_POWERS_ALONE = words("squared cubed square cubic")
_DENIALS = words("not never neither nor either maybe perhaps possibly probably unless except or")
_NUMBER_WORDS = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}


class MeasureParser(LetterParser):
    """Text tokens by themselves and behind values."""

    def words(self, first: Token) -> Node:
        """A phrase of text tokens."""
        phrase = [first.text]
        while self.peek().kind in TEXT_KINDS:
            phrase.append(self.advance().text)
        if self.peek().kind != "end" and not _DENIALS.isdisjoint(" ".join(phrase).casefold().split()):
            raise ParseError(f"{phrase[0]!r} before an answer")  # `not x = 4`
        return Node("text", (), " ".join(phrase))

    def with_unit(self, node: Node) -> Node:
        """`node` measured in what the text says, powers and slashes included (`m/s^2`)."""
        unit = str(self.words(self.advance()).value)
        said = unit.casefold().replace(",", " ").split()
        if not _NO_UNITS.isdisjoint(said) or (said and said[0] in _POWERS_ALONE and len(said) == 1):
            raise ParseError(f"{unit!r} is no unit")
        if said and said[0] in _NUMBER_WORDS:
            node = Node("mul", (node, num(_NUMBER_WORDS[said[0]])))
            unit = unit.partition(" ")[2]
            if not unit:
                return node
        while (
            self.peek().text == "^"
            or self.peek().kind in TEXT_KINDS
            or (self.peek().text in ("/", "\\cdot") and self.peek(1).kind in TEXT_KINDS)
        ):
            sign = "" if self.peek().kind in TEXT_KINDS else self.advance().text
            if sign == "^":
                power = self.argument() if self.peek().text != "-" else self.atom_behind_minus()
                unit += f"^{power.value}"
            else:
                unit += ("/" if sign == "/" else "*") + str(self.words(self.advance()).value)
        return Node("unit", (node,), unit)

    def atom_behind_minus(self) -> Node:
        """A negative exponent without braces."""
        self.advance()
        node = self.atom()
        return num(-node.value) if isinstance(node.value, Fraction) else node
