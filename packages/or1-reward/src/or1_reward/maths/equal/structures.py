"""Inequalities, sets of reals, ratios, vectors and chains of relations, compared part by part."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.equal.questions import REAL_SETS, VECTORS, links, pairs_of, ratio_sign, vector
from or1_reward.maths.equal.realsets import isolated, real_set
from or1_reward.maths.equal.reduce import is_order
from or1_reward.maths.equal.values import DIFFERENT_KINDS, Finding, ValueComparison
from or1_reward.maths.parse.nodes import Node, num, quotient, symbols, text_of

_ENDS: Final = 2


def orders(comparison: ValueComparison, answer: Node, gold: Node) -> Finding:
    """Inequalities: by the set they describe where one variable stands alone, else up to a positive factor."""
    given, asked = isolated(answer), isolated(gold)
    if given and asked and text_of(given[0]) == text_of(asked[0]):
        return real_sets(comparison, given[1], asked[1])
    if given and asked and not (symbols(answer) == symbols(gold) and is_order(answer) and is_order(gold)):
        return Finding(False, "different unknowns")  # unless both relate the same ones: a < b and b > a
    if (given is None) != (asked is None) and not (is_order(answer) and is_order(gold)):
        return real_sets(comparison, given[1] if given else answer, asked[1] if asked else gold)
    if not (is_order(answer) and is_order(gold)) or len(answer.args) != len(gold.args):
        return DIFFERENT_KINDS
    return same_orders(comparison, answer, gold)


def same_orders(comparison: ValueComparison, answer: Node, gold: Node) -> Finding:
    """Chains of inequalities, each link brought to `0 < difference`."""
    both = [links(side) for side in (answer, gold)]
    for (difference, strict), (wanted, wanted_strict) in zip(*both, strict=True):
        sign = ratio_sign(difference, wanted)
        if strict != wanted_strict or sign is None or sign < (0 if strict == "!=" else 1):
            return Finding(None if sign is None else False, "inequalities up to a positive factor")
    return Finding(True, "inequalities up to a positive factor")


def real_sets(comparison: ValueComparison, answer: Node, gold: Node) -> Finding:
    """Sets of reals piece by piece; sets with letters in them member by member."""
    given, asked = real_set(answer), real_set(gold)
    if given is None or asked is None:
        if answer.op == gold.op == "interval" and answer.value == gold.value:
            return comparison.members(answer.args, gold.args)
        interval = {answer.op, gold.op} == {"interval", "tuple"} and "()" in (answer.value, gold.value)
        if interval or (answer.op == gold.op and answer.op in (*REAL_SETS, "tuple") and answer.op != "interval"):
            return comparison.members(answer.args, gold.args)
        return Finding(None, "no set of reals")
    if len(given) != len(asked):
        return Finding(False, f"{len(given)} pieces against {len(asked)}")
    for piece, other in zip(given, asked, strict=True):
        closed = (piece.low_closed, piece.high_closed) == (other.low_closed, other.high_closed)
        if not (
            closed
            and comparison.numbers(piece.low, other.low).equal
            and comparison.numbers(piece.high, other.high).equal
        ):
            return Finding(False, "sets of reals")
    return Finding(True, "same set of reals")


def ratios(comparison: ValueComparison, answer: Node, gold: Node) -> Finding:
    """`a:b` part by part, or as a fraction where no part has the leading zeros of a time."""
    if answer.op == gold.op and (found := comparison.members(answer.args, gold.args)).equal:
        return found
    sides = [quotient(*side.args) if side.op == "ratio" and len(side.args) == 2 else side for side in (answer, gold)]
    if num(0) in (*answer.args, *gold.args):
        return Finding(False, "ratios")
    if answer.op == gold.op and len(answer.args) == len(gold.args) > _ENDS:
        crossed = [[Node("mul", (part, other.args[0])) for part in side.args] for side, other in pairs_of(answer, gold)]
        return comparison.members(*crossed)
    if any(side.op == "ratio" for side in sides):
        return Finding(False, "ratios")
    return comparison.numbers(sides[0], sides[1])


def vectors(comparison: ValueComparison, answer: Node, gold: Node) -> Finding:
    """Tuples and vectors in order; a row or column matrix is a vector."""
    sides = [vector(side) for side in (answer, gold)]
    if answer.op == gold.op == "matrix":
        return comparison.matrices(answer, gold)
    if sides[0] is None or sides[1] is None or ({answer.op, gold.op} == VECTORS and len(sides[0]) == _ENDS):
        return DIFFERENT_KINDS  # `[1, 2]` may be an interval, `[1, 2, 3]` is a vector
    return comparison.members(sides[0], sides[1])


def chains(comparison: ValueComparison, answer: Node, gold: Node) -> Finding:
    """Other relations (subset, arrows): the same ones between equal members."""
    if answer.op != gold.op or answer.value != gold.value:
        return DIFFERENT_KINDS
    return comparison.members(answer.args, gold.args)
