"""Equality of two answers as texts: the cheap steps first, parsing only where they do not decide."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

from or1_reward.maths.equal import numeric, words
from or1_reward.maths.equal.compare import Comparison
from or1_reward.maths.equal.currencies import different_currencies
from or1_reward.maths.equal.exact import rational
from or1_reward.maths.equal.families import NO_FAMILY, Family
from or1_reward.maths.equal.remainders import with_remainders
from or1_reward.maths.equal.values import Finding
from or1_reward.maths.equal.worked_out import is_unevaluated
from or1_reward.maths.parse.nodes import Node, symbols
from or1_reward.maths.parse.numbers import exact_int
from or1_reward.maths.parse.parser import Reading, parse
from or1_reward.maths.parse.phrases import as_formula
from or1_reward.maths.parse.spelling import canonical, tidy
from or1_reward.maths.parse.surroundings import Bare, bare, parameters, relations_of
from or1_reward.maths.parse.tokens import ParseError
from or1_reward.maths.settings import MathSettings
from or1_reward.maths.symbolic.client import SymbolicFailureError, SymbolicLimitError, ask
from or1_reward.types import Status

_NUMBER: Final = re.compile(r"([+-]?)(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?|([+-]?)\.(\d+)", re.ASCII)
_DECIMAL: Final = re.compile(
    r"[+-]?(\d*)\.(\d+)(?:\s*(?:\\times|\\cdot|\*)\s*10\s*\^\s*\{?\s*([+-]?\d{1,4})\s*\}?|[eE]([+-]?\d{1,4}))?",
    re.ASCII,
)
_GROUPED: Final = re.compile(r"\d,\d{3}(?!\d)")
_GROUP_OF_ZEROS: Final = re.compile(r"\d,0\d\d(?!\d)")  # no list writes a member 000
_PLAIN_LOG: Final = re.compile(r"log(?!\s*_)(?![a-z])")
_EXPONENT: Final = re.compile(r"\d[eE][+-]?\d")
_APPROXIMATELY: Final = re.compile(
    r"^\\text\s*\{\s*(?:is\s+)?(?:approximately|approx\.?|about|roughly|around)\s*\}\s*", re.IGNORECASE
)
_HALF: Final = 0.5
_DOUBLE_BITS: Final = 52
_DOUBLE_DIGITS: Final = 17  # as many as a printed double has
MAX_ANSWER_CHARS: Final = 20_000
_CACHED: Final = 4_096  # several batches of a training run; about 4 MB when full
_CACHED_CHARS: Final = 500  # longer texts are not kept: the cache must not grow with what models write


class Outcome(NamedTuple):
    """What the ladder says of one pair, and the step that said it."""

    status: Status
    evidence: str


def judge(answer: str, gold: str, settings: MathSettings) -> Outcome:
    """Whether two answers are equal.

    Raises:
        SymbolicFailureError: the symbolic worker failed through no fault of the answer.
    """
    outcome = _judged(answer, gold, settings)
    if outcome.status is Status.CORRECT and different_currencies(answer, gold):
        return Outcome(Status.WRONG, "different currencies")
    return outcome


def _judged(answer: str, gold: str, settings: MathSettings) -> Outcome:
    if len(answer) + len(gold) > _CACHED_CHARS:
        return _judge(answer, gold, settings)
    return _remembered(answer, gold, settings)


def _judge(answer: str, gold: str, settings: MathSettings) -> Outcome:
    if answer == gold:
        return Outcome(Status.CORRECT, "exact string")
    if (plain := _plain_numbers(answer, gold)) is not None:
        return plain
    if max(len(answer), len(gold)) > 2 * MAX_ANSWER_CHARS:
        return Outcome(Status.UNPARSABLE, "too long for anything but the same text")
    given, asked = tidy(answer), tidy(gold)
    if not given:
        return Outcome(Status.NO_ANSWER, "empty answer")
    if (plain := _plain_numbers(given, asked)) is not None:
        return plain
    if max(len(given), len(asked)) > MAX_ANSWER_CHARS:
        return Outcome(
            Status.CORRECT if given == asked else Status.UNPARSABLE, "too long for anything but the same text"
        )
    spelled, wanted = canonical(given), canonical(asked)
    if spelled == wanted:
        return Outcome(Status.CORRECT, "same spelling")
    if (said := words.compare(spelled, wanted)) is not None:
        return Outcome(Status.CORRECT if said else Status.WRONG, "words")
    outcome = _by_meaning(given, asked, settings)
    if outcome.status in (Status.WRONG, Status.UNPARSABLE):
        return _without_surroundings(given, asked, settings, outcome)
    return outcome


def _without_surroundings(given: str, asked: str, settings: MathSettings, outcome: Outcome) -> Outcome:
    """Judge once more without the prose, labels and qualifiers around the values, where these do not clash."""
    if (choice := words.labeled_choice(asked)) is not None and (letter := words.choice_letter(given)) is not None:
        return Outcome(Status.CORRECT if letter == choice[0] else Status.WRONG, "the letter of the choice")
    written = (given, asked)
    if choice is not None and words.labeled_choice(given) is None:
        asked = choice[1]
    if _DECIMAL.fullmatch(asked):
        given = _APPROXIMATELY.sub("", given)
    answer, gold = bare(words.without_label(given)), bare(asked)
    family = Family(*zip(*(parameters(side.qualifiers) for side in (answer, gold)), strict=True))
    plain = (answer.value, gold.value) == written
    if not answer.value or not gold.value or _labels_clash(answer.label, gold.label, answer, gold):
        return outcome
    if not all(map(_no_clash, *map(relations_of, (answer.qualifiers, gold.qualifiers)))):
        return outcome
    if plain and not any(map(any, family)) and "+" not in asked:
        return outcome
    if canonical(answer.value) == canonical(gold.value):
        return Outcome(Status.CORRECT, "same spelling without what stands around it")
    if (said := words.compare(canonical(answer.value), canonical(gold.value))) is not None:
        return Outcome(Status.CORRECT, "words") if said else outcome
    if (numbers := _plain_numbers(answer.value, gold.value)) is not None:
        return numbers if numbers.status is Status.CORRECT else outcome
    found = _by_meaning(answer.value, gold.value, settings, family)
    return found if found.status is not Status.UNPARSABLE else outcome


def _labels_clash(given: str, asked: str, answer: Bare, gold: Bare) -> bool:
    """Two labels that differ, or a label against an equation of the other side."""
    if given and asked:
        return canonical(given) != canonical(asked)
    other = gold.value if given else answer.value
    return bool(given or asked) and "=" in other


def _no_clash(given: str, asked: str) -> bool:
    """Whether two restrictions are the same one."""
    first, second = canonical(given), canonical(asked)
    if first == second:
        return True
    try:
        left, right = parse(tidy(given)), parse(tidy(asked))
    except (ParseError, RecursionError):
        return False
    if symbols(left) != symbols(right):
        return len(symbols(left)) == 1 == len(symbols(right))  # of a renamed parameter
    return bool(Comparison(MathSettings(), lambda *_: None).answers(left, right).equal)


@lru_cache(_CACHED)
def _remembered(answer: str, gold: str, settings: MathSettings) -> Outcome:
    return _judge(answer, gold, settings)


def _plain_numbers(given: str, asked: str) -> Outcome | None:
    """Two plain decimal numbers of any length, compared as digits."""
    first, second = _NUMBER.fullmatch(given), _NUMBER.fullmatch(asked)
    if first is None or second is None:
        return None
    equal = _digits(first) == _digits(second)
    if not equal and _GROUPED.search(given) and _GROUPED.search(asked):
        return None  # `1,234` may be a list
    return Outcome(Status.CORRECT if equal else Status.WRONG, "exact number")


def _digits(match: re.Match[str]) -> tuple[bool, str, str]:
    sign, whole, decimals, point_sign, point_decimals = match.groups()
    whole = (whole or "").replace(",", "").lstrip("0")
    decimals = (decimals or point_decimals or "").rstrip("0")
    return (sign or point_sign) == "-" and bool(whole or decimals), whole, decimals


def _by_meaning(given: str, asked: str, settings: MathSettings, family: Family = NO_FAMILY) -> Outcome:
    """Parse both sides and compare; other readings of an ambiguous spelling get their turn."""
    comparison = Comparison(settings, SymbolicBudget(settings.symbolic_time_s).ask, family)
    best = Outcome(Status.UNPARSABLE, "")
    for given_reading, asked_reading in _readings(given, asked):
        try:
            gold = with_remainders(parse(as_formula(asked), asked_reading))
        except (ParseError, RecursionError) as error:
            best = _better(
                best, Outcome(Status.WRONG, f"another text than the gold, which is outside of the grammar ({error})")
            )
            continue
        try:
            answer = with_remainders(parse(as_formula(words.without_label(given)), given_reading))
        except (ParseError, RecursionError) as error:
            best = _better(best, Outcome(Status.UNPARSABLE, f"the answer is outside of the grammar: {error}"))
            continue
        if settings.unevaluated == "strict" and is_unevaluated(answer, gold, given):
            return Outcome(Status.WRONG, "the value that is asked for is not worked out")
        try:
            found = _decided(comparison, answer, gold, given, asked, settings)
        except SymbolicLimitError as error:
            limit = Status.TIME_LIMIT if error.resource == "time" else Status.MEMORY_LIMIT
            best = _better(best, Outcome(limit, str(error)))
            continue
        if found.equal:
            return Outcome(Status.CORRECT, found.evidence)
        shown = "different" if found.equal is False else "not shown to be equal"
        best = _better(best, Outcome(Status.WRONG, f"{shown}: {found.evidence}"))
    return best


def _better(first: Outcome, second: Outcome) -> Outcome:
    """The one that says more: a limit before a comparison before a failure to parse, and the usual reading first."""
    if not first.evidence:
        return second
    return second if _SAYS.index(second.status) < _SAYS.index(first.status) else first


_SAYS: Final = (Status.TIME_LIMIT, Status.MEMORY_LIMIT, Status.WRONG, Status.UNPARSABLE)


class SymbolicBudget:
    """Sympy's time for one comparison, shared by all the questions that its members and readings give rise to."""

    def __init__(self, time_s: float) -> None:
        """`time_s` is CPU time of sympy, over all questions."""
        self.time_s = time_s
        self.spent_s = 0.0

    def ask(self, left: Node, right: Node, digits_agree: bool) -> bool | None:
        """Ask sympy.

        Raises:
            SymbolicLimitError: time or memory ran out, now or in an earlier question.
            SymbolicFailureError: the worker failed.
        """
        if self.spent_s >= self.time_s:
            raise SymbolicLimitError("time", "sympy: the time for this answer is used up")
        try:
            equal, cpu_s = ask(left, right, self.time_s - self.spent_s, digits_agree=digits_agree)
        except SymbolicLimitError:
            self.spent_s = self.time_s
            raise
        self.spent_s += cpu_s
        return equal


def _readings(given: str, asked: str) -> list[tuple[Reading, Reading]]:
    """Pairs of readings to try, the usual one first."""
    usual = Reading()
    readings = [(usual, usual)]
    grouped = [side for side in (given, asked) if _GROUPED.search(side)]
    if grouped and not any(_GROUP_OF_ZEROS.search(side) for side in grouped):
        readings.append((Reading(thousands=False),) * 2)
    if _EXPONENT.search(given) or _EXPONENT.search(asked):
        readings.append((Reading(scientific=False),) * 2)
    if _PLAIN_LOG.search(given) or _PLAIN_LOG.search(asked):
        readings += [(Reading(decadic=True), usual), (usual, Reading(decadic=True))]
    return readings


def _decided(
    comparison: Comparison, answer: Node, gold: Node, given: str, asked: str, settings: MathSettings
) -> Finding:
    try:
        found = comparison.answers(answer, gold)
    except RecursionError:
        return Finding(None, "nested too deeply")
    if (
        not found.equal
        and settings.decimal_digits is not None
        and _rounds(answer, gold, given, asked, settings.decimal_digits)
    ):
        return Finding(True, "right rounding of an exact value")
    return found


def _rounds(answer: Node, gold: Node, given: str, asked: str, digits: int) -> bool:
    """Whether exactly one side is a decimal of at least `digits` places that rounds the other, exact one."""
    first, second = _DECIMAL.fullmatch(given), _DECIMAL.fullmatch(asked)
    if (first is None) == (second is None):
        return False
    match, decimal, other = (first, answer, gold) if first else (second, gold, answer)
    if match is None or not isinstance(decimal.value, Fraction | type(None)) or "." in (given if second else asked):
        return False
    if len(match[2]) < digits or len((match[1] + match[2]).lstrip("0")) < digits:
        return False
    scaled = exact_int(match[1] + match[2]) * (-1 if match[0].startswith("-") else 1)
    power = len(match[2]) - int(match[3] or match[4] or 0)
    if scaled % 10**power == 0 if power > 0 else True:
        return False  # `1.000000` is the number 1
    if (fraction := rational(other)) is not None:
        return _is_rounding(fraction * Fraction(10) ** power - scaled, scaled, negative=fraction < 0)
    exact = numeric.decimal_of(other)
    return exact is not None and _is_rounding(
        exact * exact.context.mpf(10) ** power - scaled, scaled, negative=exact < 0
    )


def _is_rounding(rest: Any, scaled: int, *, negative: bool) -> bool:
    """Whether digits are a value rounded, cut off, or printed from a double; `rest` is the value minus the digits."""
    as_double = abs(rest) * 2**_DOUBLE_BITS <= abs(scaled) < 10**_DOUBLE_DIGITS
    return bool(as_double or abs(rest) <= _HALF or 0 <= (-rest if negative else rest) < 1)


__all__ = ["Outcome", "SymbolicFailureError", "judge"]
