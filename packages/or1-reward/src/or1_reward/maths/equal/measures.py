"""Measured values: when two units are one, when a word behind a value changes it, and units stuck to their numbers."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from or1_reward.maths.parse.nodes import PI, Node, num
from or1_reward.maths.parse.units import canonical_unit, in_base_units, is_counted, same_nouns
from or1_reward.maths.parse.vocabulary import words

_CHANGING: Final = words(
    "hundredths tenths thousandths thirds halves fourths quarters hundreds thousands millions billions "
    "trillions dozens million billion trillion thousand hundred power squared cubed factorial not never "
    "to minus times"
)


def clash(answer: str, gold: str, *, strict: bool) -> str | None:
    """Why two units, or one and none, do not go together; None where they do."""
    if not answer and not gold:
        return None
    first, second = (canonical_unit(unit) if unit else None for unit in (answer, gold))
    if answer and gold:
        return None if _same(answer, first, gold, second, strict=strict) else f"{answer} is not {gold}"
    if strict:
        return "a unit is missing"
    if (answer or gold).startswith("mod "):
        return None
    if answer:
        return None if first is not None or is_counted(answer) else f"{answer!r} is neither a unit nor what is counted"
    changes = not _CHANGING.isdisjoint(gold.casefold().split())
    return f"{gold!r} is missing" if changes else None


def _same(answer: str, first: str | None, gold: str, second: str | None, *, strict: bool) -> bool:
    if first is not None and second is not None:
        return first == second or ("mod " not in first + second and in_base_units(first) == in_base_units(second))
    if strict:
        return answer.casefold() == gold.casefold()
    return same_nouns(answer, gold)


_MEASURE: Final = re.compile(
    r"\s*(?:,|\band\b)?\s*(\d+(?:\.\d+)?(?!\\frac)|\d*\\frac\{\d+\}\{\d+\})\s*([A-Za-z'\".]+|小时|分钟|分|秒|天|元|角)\s*(?:,|\band\b)?"
)


def compare_compounds(answer: str, gold: str) -> bool | None:
    """`3 hours and 20 minutes` beside `3 h 20 min`; None unless both sides are several measures."""
    first, second = _compound(answer), _compound(gold)
    if first is None or second is None or max(len(first), len(second)) < 2:
        return None
    totals = [_total(side) for side in (first, second)]
    return first == second or (totals[0] is not None and totals[0] == totals[1])


_SIZES: Final = (
    {"week^1": 604_800, "day^1": 86_400, "h^1": 3_600, "min^1": 60, "s^1": 1},
    {"yd^1": 36, "ft^1": 12, "in^1": 1},
)


def _total(parts: dict[str, str]) -> tuple[Fraction, bool] | None:
    """Durations in seconds, lengths in inches; None of other measures."""
    for at, sizes in enumerate(_SIZES):
        if sizes.keys() >= parts.keys():
            return sum((_number(number) * sizes[unit] for unit, number in parts.items()), Fraction(0)), bool(at)
    return None


def _number(text: str) -> Fraction:
    match = re.fullmatch(r"(\d*)\\frac\{(\d+)\}\{(\d+)\}", text)
    if match is None:
        return Fraction(text)
    return Fraction(match[1] or 0) + Fraction(int(match[2]), int(match[3]) or 1)


def _compound(text: str) -> dict[str, str] | None:
    if len(text) > _LONGEST_COMPOUND:
        return None
    found: dict[str, str] = {}
    at = 0
    while at < len(text.rstrip(" .")):
        match = _MEASURE.match(text, at)
        unit = canonical_unit(match[2]) or (match[2].casefold() if is_counted(match[2]) else None) if match else None
        if match is None or unit is None or unit in found:
            return None
        found[unit] = match[1]
        at = match.end()
    return found or None


_LONGEST_COMPOUND: Final = 80


def in_degrees(answer: Node, gold: Node) -> tuple[Node, Node] | None:
    r"""Angles as values where one side is in degrees and the other in radians (`60^\circ` and `\frac{\pi}{3}` rad)."""
    kinds = [_angle(side) for side in (answer, gold)]
    if set(kinds) != {"degrees", "radians"}:
        return None
    first, second = (
        side.args[0] if kind == "radians" else Node("mul", (side.args[0], PI, num(Fraction(1, 180))))
        for side, kind in zip((answer, gold), kinds, strict=True)
    )
    return first, second


def _angle(node: Node) -> str:
    if node.op == "deg":
        return "degrees"
    unit = canonical_unit(str(node.value)) if node.op == "unit" else None
    return {"rad^1": "radians", "°^1": "degrees"}.get(unit or "", "")


def measured_alike(answer: Node, gold: Node) -> tuple[Node, Node]:
    r"""Both sides, letters behind a number read as the unit that the other side has (`5m` beside `5 \\text{ m}`)."""
    if (answer.op == "unit") == (gold.op == "unit"):
        return answer, gold
    if answer.op == "unit":
        return answer, _with_letters_as_unit(gold, str(answer.value))
    return _with_letters_as_unit(answer, str(gold.value)), gold


def _with_letters_as_unit(node: Node, unit: str) -> Node:
    """`node` measured in `unit` where its last factors spell it: `5 m s^{-1}` is a product of three until then."""
    wanted = canonical_unit(unit)
    if node.op != "mul" or wanted is None:
        return node
    for count in range(1, len(node.args)):
        letters = [_letter(factor) for factor in node.args[-count:]]
        if None in letters:
            return node
        if canonical_unit("".join(map(str, letters)).lstrip("/")) == wanted:
            rest = node.args[:-count]
            return Node("unit", (rest[0] if len(rest) == 1 else Node("mul", rest),), unit)
    return node


def _letter(factor: Node) -> str | None:
    """A letter or its whole power as a unit is written: `s^{-2}` as `/s^2`; None of anything else."""
    if factor.op == "sym":
        return str(factor.value)
    if factor.op != "pow" or factor.args[0].op != "sym" or not isinstance(power := factor.args[1].value, Fraction):
        return None
    return None if power.denominator > 1 else f"{'/' * (power < 0)}{factor.args[0].value}^{abs(power)}"
