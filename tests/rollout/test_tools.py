"""Formats of calls, and the tools: what a model writes is answered in words, whatever it is."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_rollout.environments import AskedCalls, Calculator, FencedCalls, FileSearch, HermesCalls, ToolEnvironment

PIECES = ["<tool_call>", "</tool_call>", "```python\n", "```", '{"name":', "[" * 99, "=?", "\n", "\0", "é"]
FORMATS = [HermesCalls(), FencedCalls(), AskedCalls()]
CALL = '<tool_call>\n{"name": "calculator", "arguments": {"expression": "2*(3+4)"}}\n</tool_call>'


def answer(form, turn, tools=None):
    observation = ToolEnvironment(tools or [Calculator()], form).start({}, 0).respond(turn)
    return observation and observation.text


def test_hermes_calls():
    assert answer(HermesCalls(), f"I compute {CALL}") == "14"
    assert answer(HermesCalls(), f"{CALL}{CALL}") == "14\n</tool_response>\n<tool_response>\n14"
    assert answer(HermesCalls(), "The answer is 14.") is None
    assert answer(HermesCalls(), CALL.removesuffix("</tool_call>")) is None
    assert "as JSON" in answer(HermesCalls(), "<tool_call>{</tool_call>")
    assert "no tool is named 'web'" in answer(HermesCalls(), CALL.replace("calculator", "web"))
    assert "at most 8 calls" in answer(HermesCalls(), CALL * 9)


def test_hermes_tools_are_told_to_the_template():
    (tool,) = ToolEnvironment([Calculator()], HermesCalls()).tools
    assert tool["function"]["parameters"]["required"] == ["expression"]
    assert ToolEnvironment([Calculator()], FencedCalls()).tools == ()


class Echo(Calculator):
    name = "python"

    def call(self, arguments):
        return arguments["code"]


def test_fenced_calls():
    form = FencedCalls()
    assert answer(form, "Let me see.\n```python\nprint(1)\n```\n", [Echo()]) == "```output\nprint(1)\n```\n"
    first_and_last = "```python\na\n```\n```output\n1\n```\nthen\n```python\nb\n```\n"
    assert answer(form, first_and_last, [Echo()]) == "```output\nb\n```\n"
    assert answer(form, "```python\nprint(1)\n```\nSo it is 1.", [Echo()]) is None
    assert answer(form, "```python\nprint(1)", [Echo()]) is None
    assert form.observation(["```\n"]).text == "```output\n'''\n```\n"  # a result cannot close the block
    assert form.observation(["x"]).role is None


def test_asked_calls():
    assert answer(AskedCalls(), "12+7=?") == "19;"
    assert answer(AskedCalls(), "1;2;12+7=?") == "19;"
    assert answer(AskedCalls(), "\\boxed{19}") is None


@pytest.mark.parametrize("form", FORMATS)
@given(pieces=st.lists(st.sampled_from(PIECES)))
def test_no_turn_raises(form, pieces):
    answer(form, "".join(pieces), [Calculator(), Echo()])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("piece", ["<tool_call>", "```python\n", "```python\nx", "(", "```"])
def test_long_turns_cost_time_in_proportion(form, piece):
    answer(form, piece * 100_000, [Calculator(), Echo()])  # quadratic would take minutes


def expressions():
    numbers = st.integers(0, 10**6).map(str)
    pairs = lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})")  # noqa: E731
    return st.recursive(numbers, pairs, max_leaves=8)


@given(expressions())
def test_the_calculator_computes_exactly(expression):
    found = Calculator().call({"expression": expression})
    try:
        exact = eval(  # every number as a fraction
            "".join(f"Fraction({part})" if part.isdigit() else part for part in pieces(expression)),
            {"Fraction": Fraction},
        )
    except ZeroDivisionError:
        assert found == "error: ZeroDivisionError"
    else:
        assert found == str(exact) if len(expression) <= 200 else found.startswith("error")


def pieces(expression):
    number = ""
    for character in [*expression, ""]:
        if character.isdigit():
            number += character
            continue
        yield from [number] * bool(number)
        yield character
        number = ""


@pytest.mark.parametrize(
    "bad", ["", "2**9999999", "__import__('os')", "9" * 201, "1/0", "((((", "x", "1e999", "True+1", "\0", "'a'*9"]
)  # fmt: skip
def test_the_calculator_tells_what_is_wrong(bad):
    assert Calculator().call({"expression": bad}).startswith("error")
    assert Calculator().call({"code": bad}).startswith("error")


def test_the_search_finds_the_lines_with_most_words(tmp_path):
    (tmp_path / "a.txt").write_text("the cat\na red cat sleeps\nnothing\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.md").write_text("red wine\n")
    (tmp_path / "c.py").write_text("red cat")
    search = FileSearch(tmp_path)
    assert search.call({"query": "Red cat"}).splitlines() == [
        "a.txt:2: a red cat sleeps", "a.txt:1: the cat", "deep/b.md:1: red wine"
    ]  # fmt: skip
    assert search.call({"query": "zebra"}) == "nothing found"
    assert search.call({"query": 3}).startswith("error")


def test_decimals_are_fractions():
    assert Calculator().call({"expression": "0.1+0.2"}) == "3/10"
