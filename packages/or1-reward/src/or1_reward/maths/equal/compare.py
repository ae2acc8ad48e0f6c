"""Equality of two parsed answers: structures member by member, values by the rungs of the ladder."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from or1_reward.maths.equal import exact
from or1_reward.maths.equal.builders import held
from or1_reward.maths.equal.questions import (
    PM,
    REAL_SETS,
    VECTORS,
    dearest,
    is_number_line,
    is_unknown,
    links,
    may_be_real_set,
    nested_rows,
    ratio_sign,
    same_unknown,
    vector,
    words_of,
)
from or1_reward.maths.equal.realsets import isolated, real_set
from or1_reward.maths.equal.reduce import ContradictionError, Named, elements, is_equation, is_order, named
from or1_reward.maths.equal.units import canonical_unit
from or1_reward.maths.equal.values import DIFFERENT_KINDS, ELLIPSIS, NOT_VALUES, Finding, ValueComparison
from or1_reward.maths.parse.nodes import Node, mentions, negative, num, quotient, symbols, text_of

_MAX_MEMBERS: Final = 64


class Comparison(ValueComparison):
    """Compares a response's tree with a gold's under one set of settings."""

    def answers(self, answer: Node, gold: Node) -> Finding:
        """Compare whole answers; the rules are in the module and in the functions below.

        A response that asserts two different numbers at once equals nothing.
        """
        if text_of(answer) == text_of(gold):
            return Finding(True, "same expression")
        try:
            return self.reduced(answer, gold)
        except ContradictionError as error:
            return Finding(False, f"contradicts itself: {error}")

    def reduced(self, answer: Node, gold: Node) -> Finding:
        """Take names off, then compare by kind."""
        given, asked = named(answer), named(gold)
        if given.name is None and asked.name is not None and is_equation(answer):
            return self.equations(answer, gold)
        if asked.name is None and given.name is not None and is_equation(gold):
            return self.equations(answer, gold)
        if given.name is not None and asked.name is not None:
            if is_equation(answer) and is_equation(gold) and (found := self.equations(answer, gold)).equal:
                return found
            return self.both_named(given, asked, answer, gold)
        if given.name is None and is_equation(answer) and given.value == answer:
            return self.equation_with(answer, gold, asked)
        return self.values(given.value, asked.value)

    def both_named(self, given: Named, asked: Named, answer: Node, gold: Node) -> Finding:
        """`x = 5` and `y = 5` differ; `f(x) = 2x` and `y = 2x` agree, because one of the names is only a label."""
        names = [side.name for side in (given, asked) if side.name is not None]
        if len(names) == 2 and is_unknown(names[0]) and is_unknown(names[1]) and not same_unknown(*names):
            return Finding(False, "different unknowns")
        return self.values(given.value, asked.value)

    def equation_with(self, answer: Node, gold: Node, asked: Named) -> Finding:
        """An equation that does not only name a value: against an equation, or `x + y = 7` against the number 7."""
        if is_equation(gold) and asked.value == gold:
            return self.equations(answer, gold)
        plain = not symbols(asked.value) and asked.value.op not in NOT_VALUES
        if plain and len(answer.args) == 2 and len(symbols(answer.args[0])) > 1 and not symbols(answer.args[1]):
            return self.values(answer.args[1], asked.value)
        return Finding(False, "an equation against something else")

    def equations(self, answer: Node, gold: Node) -> Finding:
        """Equations are equal when one is a constant times the other."""
        if len(answer.args) != 2 or len(gold.args) != 2:
            return self.members(answer.args, gold.args) if answer.value == gold.value else DIFFERENT_KINDS
        first, second = (Node("add", (side.args[0], negative(side.args[1]))) for side in (answer, gold))
        if self.members(answer.args, gold.args).equal:
            return Finding(True, "same sides")
        sign = ratio_sign(first, second, equation=True)
        return Finding(None if sign is None else bool(sign), "equations up to a constant factor")

    def values(self, answer: Node, gold: Node) -> Finding:  # noqa: C901, PLR0911  one line per kind
        """Compare two answers without names."""
        kinds = {answer.op, gold.op}
        if "unit" in kinds:
            return self.measured(answer, gold)
        if "text" in kinds and kinds <= {"text", "sym", "mul"}:
            return self.texts(answer, gold)
        if "base" in kinds:
            return self.based(answer, gold)
        if "setof" in kinds:
            return self.set_builders(answer, gold)
        if (answer.op == "add" or gold.op == "add") and may_be_real_set(answer, gold):
            return self.real_sets(answer, gold)
        if kinds & {"list", "set"} or mentions(answer, PM) != mentions(gold, PM):
            return self.collections(answer, gold)
        if any(is_order(side) for side in (answer, gold)):
            return self.orders(answer, gold)
        if kinds & REAL_SETS or any(map(is_number_line, (answer, gold))):
            return self.real_sets(answer, gold)
        if "ratio" in kinds:
            return self.ratios(answer, gold)
        if kinds & VECTORS:
            return self.vectors(*nested_rows(answer, gold))
        if "chain" in kinds:
            return self.chains(answer, gold)
        if "text" in kinds:
            return DIFFERENT_KINDS
        return self.numbers(answer, gold)

    def measured(self, answer: Node, gold: Node) -> Finding:
        """Units: missing ones are forgiven unless strict; two different known ones are different answers."""
        units = [str(side.value) if side.op == "unit" else "" for side in (answer, gold)]
        bare = [side.args[0] if side.op == "unit" else side for side in (answer, gold)]
        names = [canonical_unit(unit) for unit in units]
        strict = self.settings.units == "strict"
        if all(units) and (
            (names[0] and names[1] and names[0] != names[1]) or (strict and units[0] != units[1] and None in names)
        ):
            return Finding(False, f"{units[0]} is not {units[1]}")
        if any(side.op == "deg" for side in bare):
            return Finding(False, "a degree sign is a unit too")
        if all(units) and units[0].startswith("mod ") and units[0] == units[1]:
            return self.congruent(bare[0], bare[1], Fraction(units[0][4:]) if units[0][4:].isdigit() else None)
        if strict and not all(units):
            return Finding(False, "a unit is missing")
        return self.values(bare[0], bare[1])

    def congruent(self, answer: Node, gold: Node, modulus: Fraction | None) -> Finding:
        """Classes of remainders: the same number, or numbers that differ by a multiple of the modulus."""
        left, right = exact.rational(answer), exact.rational(gold)
        if modulus and left is not None and right is not None:
            return Finding((left - right) % modulus == 0, "remainders")
        return self.values(answer, gold)

    def texts(self, answer: Node, gold: Node) -> Finding:
        """Words are equal without regard to case and blanks."""
        words = [words_of(side) for side in (answer, gold)]
        return Finding(words[0] == words[1], "same words" if words[0] == words[1] else "different words")

    def based(self, answer: Node, gold: Node) -> Finding:
        """Numerals in a base: same digits in the same base; the base may be left out, the question names it."""
        sides = [side.args if side.op == "base" else (side, None) for side in (answer, gold)]
        (digits, base), (wanted, wanted_base) = sides
        if base is not None and wanted_base is not None and not self.values(base, wanted_base).equal:
            return Finding(False, "different bases")
        if digits.op != "num" or wanted is None or wanted.op != "num":
            return DIFFERENT_KINDS
        return Finding(digits == wanted, "digits of a numeral")

    def set_builders(self, answer: Node, gold: Node) -> Finding:
        """Set builders by their conditions, else by what they hold."""
        if answer.op == gold.op and (same := self.members(answer.args, gold.args)).equal:
            return same
        sides = [held(side) if side.op == "setof" else side for side in (answer, gold)]
        if sides[0] is None or sides[1] is None:
            return Finding(None, "a set builder")
        return self.values(sides[0], sides[1])

    def collections(self, answer: Node, gold: Node) -> Finding:
        """Lists and sets: unordered, except that names on one side only stand for an order; an ellipsis orders too."""
        order = self.real_sets(answer, gold) if may_be_real_set(answer, gold) else None
        if order is not None and order.equal is not None:
            return order
        given, asked = elements(answer), elements(gold)
        if answer.op in VECTORS or gold.op in VECTORS:
            if "set" in (answer.op, gold.op) or not (answer.op == "list" or gold.op == "list"):
                return self.values(given[0], asked[0]) if len(given) == len(asked) == 1 else DIFFERENT_KINDS
            both = [side.args if side.op in (*VECTORS, "list") else (side,) for side in (answer, gold)]
            if len(both[0]) == len(both[1]) and not any(part.op in VECTORS for part in (*both[0], *both[1])):
                return self.members(both[0], both[1])
        if max(len(given), len(asked)) > _MAX_MEMBERS:
            return self.members(given, asked)
        return self.unordered([named(part) for part in given], [named(part) for part in asked], (answer, gold))

    def unordered(self, given: list[Named], asked: list[Named], whole: tuple[Node, Node]) -> Finding:
        """Match members one to one; members that repeat count once where several remain."""
        if ELLIPSIS in (part.value for part in (*given, *asked)):
            return self.members(whole[0].args, whole[1].args)
        strict = self.settings.set_order == "strict" and "set" not in (whole[0].op, whole[1].op)
        if strict or self.names_order(given, asked):
            return self.members([part.value for part in given], [part.value for part in asked])
        left, right = self.distinct(given), self.distinct(asked)
        if len(left) != len(right) or (len(left) == 1 and len(given) != len(asked)):
            return Finding(False, f"{len(left)} members against {len(right)}")
        return self.matched(left, right)

    def matched(self, left: list[Named], right: list[Named]) -> Finding:
        """Every member finds an equal one."""
        proofs: list[str] = []
        rest = list(right)
        for member in left:
            found = next((other for other in rest if self.same_member(member, other)), None)
            if found is None:
                return Finding(False, "a member without its equal")
            rest.remove(found)
            proofs.append(self.values(member.value, found.value).proof)
        return Finding(True, f"all {len(left)} members equal, any order ({dearest(proofs)})")

    def same_member(self, member: Named, other: Named) -> bool:
        """Equal values; names, where both have one, are equal too."""
        if member.name is not None and other.name is not None and text_of(member.name) != text_of(other.name):
            return False
        return bool(self.values(member.value, other.value).equal)

    def distinct(self, parts: list[Named]) -> list[Named]:
        """Without members that are equal to an earlier one."""
        kept: list[Named] = []
        for part in parts:
            if not any(self.same_member(part, other) for other in kept):
                kept.append(part)
        return kept

    def names_order(self, given: list[Named], asked: list[Named]) -> bool:
        """`x = 1, y = 2` against `1, 2`: distinct names on one side only are read in order."""
        names = [[text_of(part.name) for part in side if part.name is not None] for side in (given, asked)]
        one_side = bool(names[0]) != bool(names[1])
        return one_side and max(len(set(side)) for side in names) > 1

    def members(self, answer: Sequence[Node], gold: Sequence[Node]) -> Finding:
        """Compare in order."""
        if len(answer) != len(gold):
            return Finding(False, f"{len(answer)} members against {len(gold)}")
        proofs: list[str] = []
        for left, right in zip(answer, gold, strict=True):
            found = self.answers(left, right)
            if not found.equal:
                return Finding(found.equal, f"a member differs ({found.proof})")
            proofs.append(found.proof)
        return Finding(True, f"all {len(answer)} members equal in order ({dearest(proofs)})")

    def orders(self, answer: Node, gold: Node) -> Finding:
        """Inequalities: by the set they describe where one variable stands alone, else up to a positive factor."""
        given, asked = isolated(answer), isolated(gold)
        if given and asked and text_of(given[0]) == text_of(asked[0]):
            return self.real_sets(given[1], asked[1])
        if given and asked and not (symbols(answer) == symbols(gold) and is_order(answer) and is_order(gold)):
            return Finding(False, "different unknowns")  # unless both relate the same ones: a < b and b > a
        if (given is None) != (asked is None) and not (is_order(answer) and is_order(gold)):
            return self.real_sets(given[1] if given else answer, asked[1] if asked else gold)
        if not (is_order(answer) and is_order(gold)) or len(answer.args) != len(gold.args):
            return DIFFERENT_KINDS
        return self.same_orders(answer, gold)

    def same_orders(self, answer: Node, gold: Node) -> Finding:
        """Chains of inequalities, each link brought to `0 < difference`."""
        both = [links(side) for side in (answer, gold)]
        for (difference, strict), (wanted, wanted_strict) in zip(*both, strict=True):
            sign = ratio_sign(difference, wanted)
            if strict != wanted_strict or sign is None or sign < (0 if strict == "!=" else 1):
                return Finding(None if sign is None else False, "inequalities up to a positive factor")
        return Finding(True, "inequalities up to a positive factor")

    def real_sets(self, answer: Node, gold: Node) -> Finding:
        """Sets of reals piece by piece; sets with letters in them member by member."""
        given, asked = real_set(answer), real_set(gold)
        if given is None or asked is None:
            if answer.op == gold.op == "interval" and answer.value == gold.value:
                return self.members(answer.args, gold.args)
            interval = {answer.op, gold.op} == {"interval", "tuple"} and "()" in (answer.value, gold.value)
            if interval or (answer.op == gold.op and answer.op in (*REAL_SETS, "tuple") and answer.op != "interval"):
                return self.members(answer.args, gold.args)
            return Finding(None, "no set of reals")
        if len(given) != len(asked):
            return Finding(False, f"{len(given)} pieces against {len(asked)}")
        for piece, other in zip(given, asked, strict=True):
            closed = (piece.low_closed, piece.high_closed) == (other.low_closed, other.high_closed)
            if not (closed and self.numbers(piece.low, other.low).equal and self.numbers(piece.high, other.high).equal):
                return Finding(False, "sets of reals")
        return Finding(True, "same set of reals")

    def ratios(self, answer: Node, gold: Node) -> Finding:
        """`a:b` part by part, or as a fraction where no part has the leading zeros of a time."""
        if answer.op == gold.op and (found := self.members(answer.args, gold.args)).equal:
            return found
        sides = [
            quotient(*side.args) if side.op == "ratio" and len(side.args) == 2 else side for side in (answer, gold)
        ]
        if any(side.op == "ratio" or num(0) in (*answer.args, *gold.args) for side in sides):
            return Finding(False, "ratios")
        return self.numbers(sides[0], sides[1])

    def vectors(self, answer: Node, gold: Node) -> Finding:
        """Tuples and vectors in order; a row or column matrix is a vector."""
        sides = [vector(side) for side in (answer, gold)]
        if answer.op == gold.op == "matrix":
            return self.matrices(answer, gold)
        if sides[0] is None or sides[1] is None or {answer.op, gold.op} == VECTORS:
            return DIFFERENT_KINDS
        return self.members(sides[0], sides[1])

    def chains(self, answer: Node, gold: Node) -> Finding:
        """Other relations (subset, arrows): the same ones between equal members."""
        if answer.op != gold.op or answer.value != gold.value:
            return DIFFERENT_KINDS
        return self.members(answer.args, gold.args)
