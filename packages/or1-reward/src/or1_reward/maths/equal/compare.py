"""Equality of two parsed answers: structures member by member, values by ever more expensive steps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from or1_reward.maths.equal import exact, measures, numeric, structures
from or1_reward.maths.equal.builders import held
from or1_reward.maths.equal.families import (
    NO_FAMILY,
    Family,
    constants_renamed,
    over_integers,
    renamed,
    without_constant,
)
from or1_reward.maths.equal.naming import (
    at_other_arguments,
    composed_otherwise,
    in_other_order,
    ordered_by_name,
    reordered,
    same_function,
    same_index,
    same_quantity,
)
from or1_reward.maths.equal.progressions import progressed
from or1_reward.maths.equal.questions import (
    PM,
    REAL_SETS,
    VECTORS,
    is_number_line,
    is_unknown,
    longest_reason,
    may_be_real_set,
    nested_rows,
    ratio_sign,
    same_unknown,
    scaled_vector,
    with_identities,
    words_of,
)
from or1_reward.maths.equal.reduce import (
    ContradictionError,
    Named,
    all_signs,
    approximated,
    elements,
    is_equation,
    is_order,
    named,
)
from or1_reward.maths.equal.solved import solves
from or1_reward.maths.equal.unit_vectors import components
from or1_reward.maths.equal.values import DIFFERENT_KINDS, ELLIPSIS, NOT_VALUES, Finding, ValueComparison
from or1_reward.maths.parse.nodes import Node, mentions, negative, substituted, sym, symbols, text_of

_MAX_MEMBERS: Final = 64
_ENDS: Final = 2
_UNIT_VECTORS: Final = frozenset(("versi", "versj", "versk"))
_CLOSE: Final = 0.006  # of an approximation to two digits


def close(exact_value: Node, rounded: Node) -> bool:
    """Whether a decimal is near the value it approximates."""
    bare = [side.args[0] if side.op in ("unit", "deg", "pct") else side for side in (exact_value, rounded)]
    first, second = (numeric.decimal_of(side) for side in bare)
    return first is not None and second is not None and bool(abs(first - second) <= _CLOSE * abs(first))


def _is_interval(answer: Node, gold: Node) -> bool:
    """Whether `[1, 3]` stands against a list: a closed interval is not its two ends."""
    brackets = [side for side in (answer, gold) if side.op == "bracket" and len(side.args) == _ENDS]
    return bool(brackets) and "list" in (answer.op, gold.op)


class Comparison(ValueComparison):
    """Compares a response's tree with a gold's under one set of settings."""

    within_family = False  # of the answer that is compared: its parameters have been renamed

    def answers(self, answer: Node, gold: Node) -> Finding:
        """Compare whole answers; the rules are in the module and in the functions below.

        A response that asserts two different numbers at once equals nothing.
        """
        if text_of(answer) == text_of(gold):
            return Finding(True, "same expression")
        try:
            found = self.reduced(answer, gold)
            return found if found.equal or self.within_family else self.in_family(answer, gold, found)
        except ContradictionError as error:
            return Finding(False, f"contradicts itself: {error}")

    def in_family(self, answer: Node, gold: Node, found: Finding) -> Finding:
        """The same family of answers with another name of its parameter, or another constant of integration."""
        self.within_family = True
        try:
            for other in renamed(answer, gold, self.family):
                if text_of(other) == text_of(gold) or self.reduced(other, gold).equal:
                    return Finding(True, "the same family of answers, its parameter renamed")
            given, asked = named(answer), named(gold)
            for other in constants_renamed(given.value, asked.value):
                if (given.name is None or asked.name is None or given.name == asked.name) and self.values(
                    other, asked.value
                ).equal:
                    return Finding(True, "the same solutions, their constants renamed")
            return self.up_to_a_constant(given.value, asked.value) or self.as_family(given.value, asked.value) or found
        finally:
            self.within_family = False

    def as_family(self, answer: Node, gold: Node) -> Finding | None:
        r"""A set builder over the integers beside a value with a parameter: `\{2n : n \in \mathbb{Z}\}`, `2k`."""
        sets = [over_integers(side) for side in (answer, gold)]
        if (sets[0] is None) == (sets[1] is None):
            return None
        sides = [one[0] if one else side for one, side in zip(sets, (answer, gold), strict=True)]
        whole = tuple(frozenset((one[1],)) if one else kept for one, kept in zip(sets, self.family.whole, strict=True))
        if not all(whole):
            return None
        wholes = Family((whole[0], whole[1]), NO_FAMILY.constants)
        others = (sides[0], *renamed(sides[0], sides[1], wholes))
        if any(self.values(other, sides[1]).equal for other in others):
            return Finding(True, "the same family of answers")
        return None

    def up_to_a_constant(self, answer: Node, gold: Node) -> Finding | None:
        r"""`\sin^2 x + C` and `-\cos^2 x + C`: antiderivatives that differ by a constant."""
        given, asked = without_constant(answer), without_constant(gold)
        if given is None or asked is None or not symbols(asked[0]):
            return None
        difference = Node("add", (given[0], negative(asked[0])))
        if numeric.is_constant(difference):
            return Finding(True, "equal up to the constant of integration")
        return None

    def reduced(self, answer: Node, gold: Node) -> Finding:
        """Take names off, then compare by kind."""
        if (found := self.approximations(answer, gold)) is not None:
            return found
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

    def approximations(self, answer: Node, gold: Node) -> Finding | None:
        r"""`4\pi \approx 12.57` beside 12.57: the approximation counts where the other side states it."""
        pairs = [(approximated(answer), gold), (approximated(gold), answer)]
        for both, other in pairs:
            if both is None or other.op == "chain":
                continue
            exact_value, rounded = both
            if close(exact_value, rounded) and self.values(rounded, other).equal:
                return Finding(True, "the approximation that is asked for")
        return None

    def both_named(self, given: Named, asked: Named, answer: Node, gold: Node) -> Finding:
        """`x = 5` and `y = 5` differ; `f(x) = 2x` and `y = 2x` agree, because one of the names is only a label."""
        names = [side.name for side in (given, asked) if side.name is not None]
        if len(names) == 2 and symbols(names[0]) == symbols(names[1]) and text_of(names[0]) != text_of(names[1]):
            return self.values(*reordered(given, asked)) if in_other_order(*names) else self.swapped(given, asked)
        if len(names) == 2 and (at_other_arguments(*names) or composed_otherwise(*names)):
            return Finding(False, "a function at another argument")
        if len(names) == 2 and (renaming := same_function(*names)) is not None:
            old, new = renaming
            if new not in symbols(given.value):
                return self.values(substituted(given.value, sym(old), sym(new)), asked.value)
        if len(names) == 2 and is_unknown(names[0]) and is_unknown(names[1]) and not same_unknown(*names):
            return Finding(False, "different unknowns")
        return self.values(given.value, asked.value)

    def swapped(self, given: Named, asked: Named) -> Finding:
        r"""Names in the same letters: one quantity in two spellings, or two (`\frac{AB}{CD}` and `\frac{CD}{AB}`)."""
        if given.name is not None and asked.name is not None and same_quantity(given.name, asked.name):
            return self.values(given.value, asked.value)
        return Finding(False, "names swapped")

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
        if not sign and (solves(answer, gold) or solves(gold, answer)):
            return Finding(True, "one equation is the other one solved")
        return Finding(None if sign is None else bool(sign), "equations up to a constant factor")

    def values(self, answer: Node, gold: Node) -> Finding:  # noqa: C901, PLR0911, PLR0912  one line per kind
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
        answer, gold = with_identities(scaled_vector(answer), scaled_vector(gold))
        if not _UNIT_VECTORS.isdisjoint(symbols(answer) | symbols(gold)) or {"j", "k"} & (
            symbols(answer) ^ symbols(gold)
        ):
            given, asked = components(answer, gold)
            if (given, asked) != (answer, gold):
                return self.values(given, asked)
        if (answer.op == "add" or gold.op == "add") and may_be_real_set(answer, gold):
            return structures.real_sets(self, answer, gold)
        if kinds & {"list", "set"} or mentions(answer, PM) != mentions(gold, PM):
            return self.collections(answer, gold)
        if any(is_order(side) for side in (answer, gold)):
            return structures.orders(self, answer, gold)
        if kinds & REAL_SETS or any(map(is_number_line, (answer, gold))):
            return structures.real_sets(self, answer, gold)
        if "ratio" in kinds:
            return structures.ratios(self, answer, gold)
        if kinds & VECTORS:
            return structures.vectors(self, *nested_rows(answer, gold))
        if "chain" in kinds:
            return structures.chains(self, answer, gold)
        if "text" in kinds:
            return DIFFERENT_KINDS
        return self.numbers(answer, gold)

    def measured(self, answer: Node, gold: Node) -> Finding:
        """Units: missing ones are forgiven unless strict, words that change a value are not; different ones differ."""
        given, asked = measures.measured_alike(answer, gold)
        units = [str(side.value) if side.op == "unit" else "" for side in (given, asked)]
        bare = [side.args[0] if side.op == "unit" else side for side in (given, asked)]
        strict = self.settings.units == "strict"
        if all(units) and units[0].startswith("mod ") and units[0] == units[1]:
            return self.congruent(bare[0], bare[1], Fraction(units[0][4:]) if units[0][4:].isdigit() else None)
        if (angles := measures.in_degrees(given, asked)) is not None:
            return self.values(*angles)
        if (clash := measures.clash(units[0], units[1], strict=strict)) is not None:
            return Finding(False, clash)
        if any(side.op == "deg" for side in bare):
            return Finding(False, "a degree sign is a unit too")
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
        if answer.op == gold.op and (found := self.same_family(answer, gold)).equal:
            return found
        sides = [held(side) if side.op == "setof" else side for side in (answer, gold)]
        if sides[0] is None or sides[1] is None:
            return Finding(None, "a set builder")
        return self.values(sides[0], sides[1])

    def same_family(self, answer: Node, gold: Node) -> Finding:
        r"""`\{2k+1 : k \in \mathbb{Z}\}` and `\{2n-1 : n \in \mathbb{Z}\}`: one set, its parameter renamed."""
        given, asked = over_integers(answer), over_integers(gold)
        if given is None or asked is None or given[2] != asked[2]:
            return Finding(None, "a set builder")
        wholes = Family((frozenset((given[1],)), frozenset((asked[1],))), NO_FAMILY.constants)
        same_name = substituted(given[0], sym(given[1]), sym(asked[1]))
        others = [same_name, *renamed(same_name, asked[0], wholes)] if given[2].startswith("integers") else [same_name]
        equal = any(self.values(other, asked[0]).equal for other in others)
        return Finding(equal or None, "the same set of values of a whole parameter")

    def collections(self, answer: Node, gold: Node) -> Finding:
        """Lists and sets: unordered, except that names on one side only stand for an order; an ellipsis orders too."""
        order = structures.real_sets(self, answer, gold) if may_be_real_set(answer, gold) else None
        if order is not None and order.equal is not None:
            return order
        answer, gold = (progressed(side) for side in (answer, gold))
        given, asked = elements(answer), elements(gold)
        if mentions(answer, PM) and mentions(gold, PM) and len(given) != len(asked):
            given = tuple(one for part in given for one in all_signs(part, (part,), 2))
            asked = tuple(one for part in asked for one in all_signs(part, (part,), 2))
        if mentions(answer, PM) != mentions(gold, PM) and len(given) != len(asked):
            given, asked = all_signs(answer, given, len(asked)), all_signs(gold, asked, len(given))
            if any(part.op in VECTORS for part in (*given, *asked)) and max(len(given), len(asked)) > 1:
                return self.unordered([named(part) for part in given], [named(part) for part in asked], (answer, gold))
        if answer.op in VECTORS or gold.op in VECTORS:
            if _is_interval(answer, gold):
                return DIFFERENT_KINDS
            if "set" in (answer.op, gold.op) or not (answer.op == "list" or gold.op == "list"):
                return self.values(given[0], asked[0]) if len(given) == len(asked) == 1 else DIFFERENT_KINDS
            both = [side.args if side.op in (*VECTORS, "list") else (side,) for side in (answer, gold)]
            if len(both[0]) == len(both[1]) and not any(part.op in VECTORS for part in (*both[0], *both[1])):
                return self.members(*(ordered_by_name([named(part) for part in side]) for side in both))
        if max(len(given), len(asked)) > _MAX_MEMBERS:
            return self.members(given, asked)
        return self.unordered([named(part) for part in given], [named(part) for part in asked], (answer, gold))

    def unordered(self, given: list[Named], asked: list[Named], whole: tuple[Node, Node]) -> Finding:
        """Match members one to one; members that repeat count once where several remain."""
        if ELLIPSIS in (part.value for part in (*given, *asked)):
            return self.members(whole[0].args, whole[1].args)
        strict = self.settings.set_order == "strict" and "set" not in (whole[0].op, whole[1].op)
        if strict or self.names_order(given, asked):
            return self.members(ordered_by_name(given), ordered_by_name(asked))
        left, right = self.distinct(given), self.distinct(asked)
        if len(left) != len(right) or (len(left) == 1 and len(given) != len(asked)):
            return Finding(False, f"{len(left)} members against {len(right)}")
        return self.matched(left, right)

    def matched(self, left: list[Named], right: list[Named]) -> Finding:
        """Every member finds an equal one."""
        reasons: list[str] = []
        rest = list(right)
        for member in left:
            found = next((other for other in rest if self.same_member(member, other)), None)
            if found is None:
                return Finding(False, "a member without its equal")
            rest.remove(found)
            reasons.append(self.values(member.value, found.value).evidence)
        return Finding(True, f"all {len(left)} members equal, any order ({longest_reason(reasons)})")

    def same_member(self, member: Named, other: Named) -> bool:
        """Equal values; names, where both have one, are equal too, but for an index on one side (`x_1`, `x`)."""
        if member.name is not None and other.name is not None and not same_index(member.name, other.name):
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
        reasons: list[str] = []
        for left, right in zip(answer, gold, strict=True):
            found = self.answers(left, right)
            if not found.equal:
                return Finding(found.equal, f"a member differs ({found.evidence})")
            reasons.append(found.evidence)
        return Finding(True, f"all {len(answer)} members equal in order ({longest_reason(reasons)})")
