"""Equality of answers: pairs, properties over real golds, and what no rule may ever do."""

from __future__ import annotations

import importlib.util
import json
import math
import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import or1_reward
from or1_reward import MathSettings, MathTruth, Status
from or1_reward.maths.equal import exact, numeric
from or1_reward.maths.equal.ladder import judge
from or1_reward.maths.parse.parser import parse
from or1_reward.maths.parse.spelling import tidy
from or1_reward.maths.parse.tokens import ParseError
from or1_reward.maths.symbolic.client import SymbolicLimitError

_SPEC = importlib.util.spec_from_file_location("maths_cases", Path(__file__).with_name("maths_cases.py"))
assert _SPEC and _SPEC.loader
_CASES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_CASES)
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
GOLD_FILES = {
    "benchmarks/math500.jsonl": "answer",
    "benchmarks/olympiadbench.jsonl": "answer",
    "benchmarks/minerva_math.jsonl": "answer",
    "benchmarks/hmmt_feb_2025.jsonl": "answer",
    "deepscaler/data__train__math.json": "answer",
    "still/OlymMATH__data__OlymMATH-EN-HARD.jsonl": "answer",
}
DEFAULT = MathSettings()
PROVED = "symbolic: sympy proved it; numeric: 45 digits at all points"


def golds() -> list[str]:
    """Golds of real data sets, deduplicated."""
    found: dict[str, None] = {}
    for name, field in GOLD_FILES.items():
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"{name} of the shared data is absent")
        text = path.read_text(encoding="utf-8")
        rows = json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]
        for row in rows:
            value = row[field][0] if isinstance(row[field], list) else row[field]
            found[str(value)] = None
    return list(found)


def equal(answer: str, gold: str, settings: MathSettings = DEFAULT) -> bool:
    return judge(answer, gold, settings).status is Status.CORRECT


@pytest.mark.parametrize(("answer", "gold", "expected"), _CASES.cases())
def test_pairs(answer: str, gold: str, expected: bool) -> None:
    verdict = or1_reward.verify(f"\\boxed{{{answer}}}", MathTruth((gold,)))
    assert (verdict.reward == 1.0) is expected, (verdict.status, verdict.extracted, verdict.detail)
    assert verdict.status is not Status.VERIFIER_ERROR


def test_every_real_gold_equals_itself_in_a_box() -> None:
    wrong = []
    for gold in filter(str.strip, golds()):
        verdict = or1_reward.verify(
            f"Thus the final answer is $\\boxed{{{gold.strip().strip('$')}}}$.", MathTruth((gold,))
        )
        if verdict.reward != 1.0:
            wrong.append((gold, verdict))
    assert not wrong


def test_real_golds_are_inside_of_the_grammar() -> None:
    outside = []
    listed = golds()
    for gold in listed:
        try:
            parse(tidy(gold))
        except ParseError as error:
            outside.append((gold, str(error)))
    assert len(outside) <= 0.005 * len(listed), outside


def test_equality_of_real_golds_is_symmetric_and_does_not_confuse_values() -> None:
    """Random pairs of golds of one shape; equal ones must agree as decimals where both have a decimal value."""
    listed, chosen = golds(), random.Random(3)
    shapes: dict[str, list[str]] = {}
    for gold in listed:
        shapes.setdefault("".join("0" if sign.isdigit() else sign for sign in gold)[:5], []).append(gold)
    pairs = [tuple(chosen.choices(group, k=2)) for group in shapes.values() for _ in range(min(len(group), 40))]
    for first, second in pairs:
        if first == second:
            continue
        forwards, backwards = equal(first, second), equal(second, first)
        assert forwards == backwards, (first, second)
        if forwards:
            values = [_decimal(first), _decimal(second)]
            if None not in values and not {"%", "circ", ","} & {
                sign for sign in ("%", "circ", ",") if sign in first + second
            }:
                assert abs(values[0] - values[1]) <= 1e-9 * max(1.0, abs(values[0])), (first, second)


def _decimal(text: str) -> float | None:
    try:
        value = numeric.decimal_of(parse(tidy(text)))
    except ParseError:
        return None
    return None if value is None or not abs(value) < 1e300 else float(value)


fractions = st.fractions(min_value=-(10**12), max_value=10**12, max_denominator=10**9)


def spellings(value: Fraction) -> list[str]:
    top, bottom = value.numerator, value.denominator
    sign = "-" if top < 0 else ""
    written = [
        f"{top}/{bottom}",
        f"\\frac{{{top}}}{{{bottom}}}",
        f"{sign}\\dfrac{{{abs(top)}}}{{{bottom}}}",
        f"$\\left({sign}\\frac{{{3 * abs(top)}}}{{{3 * bottom}}}\\right)$",
        f"x = {top} \\div {bottom}",
        f"{sign}{abs(top)} \\cdot {bottom}^{{-1}}",
    ]
    if bottom == 1:
        written += [str(top), f"{top}.0", f"{top:,}", f"+{top}" if top >= 0 else f"−{-top}", f"{top}\\text{{ cm}}"]
    whole, rest = divmod(abs(top), bottom)
    if whole and rest:
        written.append(f"{sign}{whole}\\frac{{{rest}}}{{{bottom}}}")
    return written


@settings(max_examples=150, deadline=None)
@given(fractions, st.data())
def test_all_spellings_of_a_rational_are_equal(value: Fraction, data: st.DataObject) -> None:
    first, second = data.draw(st.sampled_from(spellings(value))), data.draw(st.sampled_from(spellings(value)))
    assert equal(first, second), (first, second)


@settings(max_examples=200, deadline=None)
@given(fractions, fractions, st.data())
def test_different_rationals_are_never_equal(value: Fraction, other: Fraction, data: st.DataObject) -> None:
    first, second = data.draw(st.sampled_from(spellings(value))), data.draw(st.sampled_from(spellings(other)))
    assert equal(first, second) is (value == other), (first, second)


@settings(max_examples=60, deadline=None)
@given(st.integers(40, 400), st.integers(40, 400))
def test_tiny_numbers_are_told_apart(first: int, second: int) -> None:
    assert equal(f"10^{{-{first}}}", f"10^{{-{second}}}") is (first == second)
    assert equal(f"\\frac{{1}}{{2^{{{first}}}}}", f"2^{{-{second}}}") is (first == second)
    assert equal(f"\\sqrt{{2}} \\cdot 10^{{-{first}}}", f"\\sqrt{{2}} \\cdot 10^{{-{second}}}") is (first == second)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=3, max_size=5), st.lists(st.integers(-5, 5), min_size=3, max_size=5))
def test_polynomials_against_their_coefficients(first: list[int], second: list[int]) -> None:
    def written(coefficients: list[int]) -> str:
        return "+".join(f"({c})x^{{{power}}}" for power, c in enumerate(coefficients))

    def stripped(coefficients: list[int]) -> list[int]:
        while coefficients and coefficients[-1] == 0:
            coefficients = coefficients[:-1]
        return coefficients

    assert equal(written(first), written(second)) is (stripped(first) == stripped(second))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 30))
def test_surds_against_integer_arithmetic(first: int, second: int, factor: int) -> None:
    assert equal(f"{factor}\\sqrt{{{first}}}", f"\\sqrt{{{second}}}") is (factor * factor * first == second)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6, unique=True), st.randoms(use_true_random=False))
def test_sets_have_no_order_and_tuples_do(members: list[int], shuffler: random.Random) -> None:
    shuffled = list(members)
    shuffler.shuffle(shuffled)
    first, second = ", ".join(map(str, members)), ", ".join(map(str, shuffled))
    assert equal(f"\\{{{first}\\}}", f"\\{{{second}\\}}")
    assert equal(first, second)
    assert equal(f"({first})", f"({second})") is (members == shuffled)
    assert not equal(", ".join(map(str, members[:-1])), first)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789abxyein+-*/^_=<>()[]{}\\,.;:!%$|& \n√π²½−", max_size=40))
def test_no_text_raises_and_everything_equals_itself(text: str) -> None:
    outcome = judge(text, text or "0", DEFAULT)
    assert outcome.status is (Status.CORRECT if text else Status.NO_ANSWER)
    assert judge(text, "17.5", DEFAULT).status in set(Status) - {Status.VERIFIER_ERROR}


@pytest.mark.parametrize(
    "tail", ["\\foo", "@", "\\text{?}#", "^", "\\frac{1}", "}", "\\unknown{2}", "&", "\\\\", " 5 6"]
)
def test_what_cannot_be_parsed_is_never_dropped_from_a_tail(tail: str) -> None:
    assert not equal("5" + tail, "5")
    assert not equal("x+1" + tail, "x+1")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch {flag}')",
        "exec(\"open('{flag}', 'w')\")",
        "().__class__.__bases__[0].__subclasses__()",
        "\\int_0^1 open('{flag}','w') dx",
        "eval('1+1')",
    ],
)
def test_nothing_in_an_answer_is_run(text: str, tmp_path: Path) -> None:
    flag = tmp_path / "ran"
    verdict = or1_reward.verify(f"\\boxed{{{text.replace('{flag}', str(flag))}}}", "2")
    assert verdict.reward == 0.0
    assert not flag.exists()


def test_settings() -> None:
    assert equal("5 \\text{ cm}", "5")
    assert not equal("5 \\text{ cm}", "5", MathSettings(units="strict"))
    assert equal("5 \\text{ cm}", "5 \\text{ centimeters}", MathSettings(units="strict"))
    assert equal("2, 1", "1, 2")
    assert not equal("2, 1", "1, 2", MathSettings(set_order="strict"))
    assert equal("\\{2, 1\\}", "\\{1, 2\\}", MathSettings(set_order="strict"))
    assert equal("25", "25\\%")
    assert not equal("25", "25\\%", MathSettings(percent="strict"))
    assert equal("0.25", "25\\%", MathSettings(percent="strict"))
    assert equal("0.333333", "1/3")
    assert not equal("0.333333", "1/3", MathSettings(decimal_digits=None))
    assert not equal("0.333334", "1/3") or abs(0.333334 - 1 / 3) < 1e-6
    assert equal("3.14", "\\pi", MathSettings(decimal_digits=2))


def test_proofs_are_named() -> None:
    assert judge("1/2", "0.5", DEFAULT).evidence == "same expression"
    assert judge("007", "7", DEFAULT).evidence == "exact number"
    assert judge("\\sqrt{12}", "2\\sqrt{3}", DEFAULT).evidence == "exact"
    assert judge("\\int_0^1 x\\,dx", "1/2", DEFAULT).evidence == "symbolic: sympy, checked by digits at points"
    doubled = ((f"\\sin {2 * n}x", f"2 \\sin {n}x \\cos {n}x") for n in range(1, 60))  # until sympy has started
    assert any(judge(*pair, DEFAULT).evidence == PROVED for pair in doubled)
    assert judge("\\sin 2x", "2 \\sin x", DEFAULT).evidence == "different: numeric: another value at a point"


def test_digits_alone_are_called_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """An undecided sympy leaves the digits; a refuting one overrules them; a failing worker is no verdict."""
    pair = ("\\sin 2y", "2 \\sin y \\cos y")
    for answered, equal_, proof in ((None, True, "evidence"), (False, False, "too small for digits")):
        monkeypatch.setattr("or1_reward.maths.equal.ladder.ask", lambda *_, answered=answered, **__: (answered, 0.01))
        outcome = judge(*pair, MathSettings(symbolic_time_s=0.3 + (answered is None)))
        assert (outcome.status is Status.CORRECT) is equal_ and proof in outcome.evidence


def test_a_difference_below_sixty_digits_is_found() -> None:
    """`\\sin 1 + 10^{-60}` cancels exactly; spelled so that nothing cancels, 250 digits at one point tell."""
    assert not equal("\\sin 1 + 10^{-60}", "\\sin 1")
    outcome = judge("2 \\sin 1 \\cos 1 + 10^{-60}", "\\sin 2", DEFAULT)
    assert outcome.status is Status.WRONG
    assert not equal("\\sin(\\pi+10^{-200})", "0")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(0, 9), st.integers(2, 9), st.integers(0, 9))
def test_floors_against_counting(factor: int, shift: int, divisor: int, other_shift: int) -> None:
    """Two floors are equal when they are on whole numbers; few points near 0 would not tell."""
    pair = [
        f"\\left\\lfloor \\frac{{{factor}n+{number}}}{{{divisor}}} \\right\\rfloor" for number in (shift, other_shift)
    ]
    counted = all((factor * n + shift) // divisor == (factor * n + other_shift) // divisor for n in range(1000))
    assert equal(*pair) is counted


@settings(max_examples=60, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9), st.booleans(), st.booleans())
def test_sympy_spelling_of_intervals(low: int, high: int, low_open: bool, high_open: bool) -> None:
    name = {(True, True): ".open", (True, False): ".Lopen", (False, True): ".Ropen", (False, False): ""}
    low, high = min(low, high), max(low, high) + 1
    printed = f"Interval{name[low_open, high_open]}({low}, {high})"
    for left in "([":
        for right in ")]":
            same = (left == "(") is low_open and (right == ")") is high_open
            assert equal(f"{left}{low}, {high}{right}", printed) is same


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 8), st.integers(2, 9))
def test_a_mixed_number_needs_a_literal_whole_part(whole: int, top: int, bottom: int) -> None:
    mixed, product = whole + Fraction(top, bottom), whole * Fraction(top, bottom)
    written = f"\\frac{{{top}}}{{{bottom}}}"
    assert equal(f"({whole}){written}", f"{product.numerator}/{product.denominator}")
    proper = top < bottom
    wanted = mixed if proper else product
    assert equal(f"{whole}{written}", f"{wanted.numerator}/{wanted.denominator}")


def test_boxes_side_by_side_with_one_value_are_one_answer() -> None:
    text = "so it is $\\boxed{15\\frac{39}{40}}$ or $\\boxed{15.975}$"
    assert or1_reward.verify(text, "639/40").reward == 1.0
    assert or1_reward.verify(text.replace("15.975", "15.976"), "639/40").reward == 0.0


def test_one_hopeless_question_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several golds, one answer that sympy cannot finish: the verdict waits for one time limit."""
    asked: list[object] = []

    def endless(*arguments: object, **_: object) -> bool:
        asked.append(arguments)
        raise SymbolicLimitError("time", "out of time")

    monkeypatch.setattr("or1_reward.maths.equal.ladder.ask", endless)
    verdict = or1_reward.verify(
        "\\boxed{\\int_0^1 x^{5x}\\,dx}", MathTruth(("\\frac{1}{7}", "\\frac{1}{8}", "\\frac{1}{9}"))
    )
    assert verdict.status is Status.TIME_LIMIT and len(asked) == 1


def test_exact_rung_against_fractions() -> None:
    assert exact.rational(parse("\\frac{1}{3}+\\frac{1}{6}")) == Fraction(1, 2)
    assert exact.rational(parse("\\sqrt{2}\\cdot\\sqrt{8}")) == 4
    assert exact.rational(parse("\\sqrt{2}")) is None
    assert exact.same(parse("(x+1)^3"), parse("x^3+3x^2+3x+1")) is True
    assert exact.same(parse("\\sqrt{2}+\\sqrt{3}"), parse("\\sqrt{5}")) is False
    assert exact.same(parse("\\frac{x^2-1}{x-1}"), parse("x+1")) is None  # left to numbers, never denied


@settings(max_examples=60, deadline=None)
@given(st.integers(-400, 400), st.integers(2, 40), st.integers(-80, 80))
def test_remainders_against_python(number: int, modulus: int, other: int) -> None:
    if not 0 <= number < modulus:  # else it may name the class
        assert equal(f"{number} \\bmod {modulus}", str(other)) is (number % modulus == other)
    assert equal(f"{number} \\pmod{{{modulus}}}", f"{other} \\pmod{{{modulus}}}") is ((number - other) % modulus == 0)


@settings(max_examples=60, deadline=None)
@given(fractions.filter(lambda value: value > 0), fractions.filter(lambda value: value > 0))
def test_the_lcm_of_fractions_is_their_smallest_common_multiple(first: Fraction, second: Fraction) -> None:
    found = exact.rational(parse(f"\\lcm({first}, {second})"))
    assert found is not None
    factors = (found / first, found / second)
    assert all(factor.denominator == 1 for factor in factors)
    assert math.gcd(*(factor.numerator for factor in factors)) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9), st.booleans(), st.booleans(), st.sets(st.integers(-9, 9), max_size=6))
def test_whole_numbers_of_a_set_builder_against_counting(
    low: int, high: int, low_closed: bool, high_closed: bool, others: set[int]
) -> None:
    signs = ["\\le" if closed else "<" for closed in (low_closed, high_closed)]
    builder = f"\\{{x \\in \\mathbb{{Z}} : {low} {signs[0]} x {signs[1]} {high}\\}}"
    counted = {
        x for x in range(-9, 10) if (low <= x if low_closed else low < x) and (x <= high if high_closed else x < high)
    }
    if low < high:  # an empty condition is no interval here
        assert equal(builder, f"\\{{{', '.join(map(str, counted))}\\}}")
        assert equal(builder, f"\\{{{', '.join(map(str, others))}\\}}") is (counted == others)


bars = st.recursive(
    st.sampled_from(["x", "y", "2", "(x-3)"]),
    lambda inner: st.one_of(
        inner.map(lambda text: f"|{text}|"),
        st.tuples(inner, st.sampled_from(["+", "-"]), inner).map(lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"),
        st.tuples(inner, inner).map(lambda parts: f"|{parts[0]}|{parts[1]}"),
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(bars)
def test_bars_are_paired_as_they_were_written(text: str) -> None:
    """Against the same expression with bars that say which side they are on."""
    depth, told = [0], ""
    for sign in text:
        if sign == "|":
            opens = not told or told[-1] in "(+-" or told.endswith("\\lvert ") or depth[-1] == 0
            depth[-1] += 1 if opens else -1
            told += "\\lvert " if opens else "\\rvert "
        else:
            depth = [*depth, 0] if sign == "(" else depth[:-1] if sign == ")" else depth
            told += sign
    try:
        meant = parse(told)
    except ParseError:
        return  # `|x||y|` inside of bars can be read in two ways
    assert parse(text) == meant


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40))
def test_double_factorials_against_their_product(number: int) -> None:
    assert exact.rational(parse(f"{number}!!")) == math.prod(range(number, 0, -2))


@pytest.mark.parametrize(
    ("series", "value", "other"),
    [
        ("\\sum_{n=0}^{\\infty} \\frac{x^n}{n!}", "e^x", "e^{-x}"),
        ("\\sum_{n=1}^{\\infty} n x^{n-1}", "\\frac{1}{(1-x)^2}", "\\frac{1}{(1+x)^2}"),
        ("\\sum_{n=0}^{\\infty} \\frac{(-1)^n}{2n+1} x^{2n+1}", "\\arctan x", "\\sin x"),
    ],
)
def test_series_are_compared_where_they_converge_without_sympy(
    series: str, value: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("or1_reward.maths.equal.ladder.ask", lambda *_, **__: (None, 0.01))
    undecided = MathSettings(symbolic_time_s=0.29)  # not from the cache
    assert equal(series, value, undecided) and not equal(series, other, undecided)
    assert not equal(series, "1" * 100, undecided)
    diverging = parse("\\sum_{n=0}^{\\infty} 2^n")
    assert numeric.decimal_of(diverging) is None


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 10**6), st.integers(2, 10**6), st.integers(-5, 5))
def test_a_printed_double_is_its_fraction_and_its_neighbours_in_the_tenth_digit_are_not(
    top: int, bottom: int, off: int
) -> None:
    value = top / bottom
    if 0.001 < value < 1000:
        shifted = repr(value + off * 1e-10 * value)
        assert equal(shifted, f"\\frac{{{top}}}{{{bottom}}}") is (off == 0)


@pytest.mark.parametrize("length", [20, 400, 5_000])
def test_long_decimals_are_judged(length: int) -> None:
    assert not equal("0." + "3" * length + "4", "\\frac{1}{3}")
    assert equal("0." + "3" * length, "\\frac{1}{3}")
    assert not equal("1." + "4" * length, "\\sqrt{2}")
    assert not equal("0." + "3" * length, "2\\sqrt{5}")
