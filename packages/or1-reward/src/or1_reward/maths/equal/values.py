"""Equality of two values: structure, exact forms, percent and degree signs, matrices, digits, and sympy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from or1_reward.maths.equal import exact, matrices, numeric
from or1_reward.maths.equal.families import NO_FAMILY, Family
from or1_reward.maths.equal.questions import (
    CALCULUS,
    holds_matrix,
    lenient,
    printed_imaginary,
    same_imaginary,
    without_degrees,
)
from or1_reward.maths.parse.nodes import Node, mentions, symbols, text_of, walk
from or1_reward.maths.settings import MathSettings
from or1_reward.maths.symbolic.client import SymbolicFailureError, SymbolicLimitError, start_ahead

_DIGITS: Final = "numeric: 45 digits at all points"
ELLIPSIS: Final = Node("sym", (), "dots")
_DEGREES: Final = frozenset(("deg",))
NOT_VALUES: Final = frozenset(
    ["list", "tuple", "bracket", "interval", "set", "setof", "union", "inter", "minus", "chain", "ratio", "text"]
)

Symbolic = Callable[[Node, Node, bool], bool | None]
"""Asks sympy about two values; the flag says that their digits agree already."""


class Finding(NamedTuple):
    """`equal` and the step that found it; None: nobody could tell, which counts as not equal."""

    equal: bool | None
    evidence: str


DIFFERENT_KINDS: Final = Finding(False, "different kinds of answer")


class ValueComparison:
    """Compares values under one set of settings."""

    def __init__(self, settings: MathSettings, symbolic: Symbolic, family: Family = NO_FAMILY) -> None:
        """`symbolic` is asked, last, about values nobody else could decide; `family` holds the parameters."""
        self.family = family
        self.settings = settings
        self.symbolic = symbolic
        self.asked_before: dict[tuple[Node, Node], Finding] = {}  # members of lists are compared more than once

    @abstractmethod
    def members(self, answer: Sequence[Node], gold: Sequence[Node]) -> Finding:
        """Compare in order."""

    def numbers(self, answer: Node, gold: Node) -> Finding:
        """Values: structure, exact, percent and degrees, matrices, digits that refute, sympy that proves."""
        answer, gold = printed_imaginary(answer, gold)
        if text_of(answer) == text_of(gold):
            return Finding(True, "same expression")
        equal = exact.same(answer, gold)
        if equal is not None and (equal or not lenient(answer, gold)):
            return Finding(equal, "exact")
        if (loose := self.scaled(answer, gold)) is not None:
            return loose
        if equal is not None:
            return Finding(equal, "exact")
        if holds_matrix(answer) or holds_matrix(gold):
            return self.matrices(answer, gold)
        answer, gold = same_imaginary(answer, gold)
        start_ahead()
        agreed = numeric.compare(answer, gold)
        if agreed is False:
            return Finding(False, "numeric: another value at a point")
        return self.confirmed(answer, gold) if agreed else self.asked(answer, gold)

    def confirmed(self, answer: Node, gold: Node) -> Finding:
        """Digits agree at all points: sympy is asked for the proof. Where it is undecided the digits are evidence."""
        if (answer, gold) not in self.asked_before:
            try:
                proved = self.symbolic(answer, gold, True)
            except (SymbolicLimitError, SymbolicFailureError):
                proved = None
            self.asked_before[answer, gold] = {
                True: Finding(True, f"symbolic: sympy proved it; {_DIGITS}"),
                False: Finding(False, "symbolic: sympy proved a difference too small for digits"),
                None: Finding(True, f"{_DIGITS} (evidence: sympy was undecided)"),
            }[proved]
        return self.asked_before[answer, gold]

    def scaled(self, answer: Node, gold: Node) -> Finding | None:
        r"""`25%` for 25 unless strict, `60^\circ` for 60, also as a term of a sum."""
        if "add" in (answer.op, gold.op) and mentions(answer, _DEGREES) != mentions(gold, _DEGREES):
            bare = [without_degrees(side) for side in (answer, gold)]
            if not any(mentions(side, _DEGREES) for side in bare) and self.numbers(bare[0], bare[1]).equal:
                return Finding(True, "the same but for degree signs")
        for op, forgiven in (("pct", self.settings.percent == "lenient"), ("deg", True)):
            sides = [side.args[0] if side.op == op else side for side in (answer, gold)]
            if forgiven and (answer.op == op) != (gold.op == op) and self.numbers(sides[0], sides[1]).equal:
                return Finding(
                    True, "the same but for a percent sign" if op == "pct" else "the same but for a degree sign"
                )
        return None

    def matrices(self, answer: Node, gold: Node) -> Finding:
        """Matrices entry by entry, after sums and products are carried out."""
        sides = [matrices.evaluated(side) for side in (answer, gold)]
        if (
            sides[0] is None
            or sides[1] is None
            or any(side and side.op != "matrix" and holds_matrix(side) for side in sides)
        ):
            return Finding(None, "matrices")
        shapes = [(len(side.args), len(side.args[0].args)) for side in sides if side and side.op == "matrix"]
        if len(shapes) < 2:
            return self.numbers(sides[0], sides[1]) if not shapes else DIFFERENT_KINDS
        if shapes[0] != shapes[1]:
            return Finding(False, "matrices of different shape")
        return self.members(*[[entry for row in side.args for entry in row.args] for side in sides if side])

    def asked(self, answer: Node, gold: Node) -> Finding:
        """The last step: sympy, in its own process, for what only calculus can evaluate."""
        if not (mentions(answer, CALCULUS) or mentions(gold, CALCULUS)):
            return Finding(None, "no values to compare")
        if symbols(answer) != symbols(gold) and not any(
            mentions(side, frozenset(("diff",))) for side in (answer, gold)
        ):
            return Finding(None, "different symbols")
        if any(part.op in NOT_VALUES or part == ELLIPSIS for side in (answer, gold) for part in walk(side)):
            return Finding(None, "not comparable as values")
        return Finding(self.symbolic(answer, gold, False), "symbolic: sympy, checked by digits at points")
