"""The ground truth of a row, kind by kind, and what is refused."""

from __future__ import annotations

import json

import pytest

import or1_reward
from or1_reward import (
    AssertTruth,
    CallTruth,
    GroundTruthError,
    HarnessTruth,
    LiveCodeBenchTruth,
    MathTruth,
    StdioTruth,
    parse_ground_truth,
)


@pytest.mark.parametrize(
    ("ground_truth", "expected"),
    [
        ("42", ("42",)),
        ("025", ("025",)),
        (42, ("42",)),
        (27.5, ("27.5",)),
        (r"\frac{1}{2}", (r"\frac{1}{2}",)),
        ('"\\\\frac{1}{2}"', (r"\frac{1}{2}",)),
        ('["34"]', ("34",)),
        ('["1/2", "0.5"]', ("1/2", "0.5")),
        (["3", 4], ("3", "4")),
        ("[7, 47]", ("[7, 47]",)),  # an interval, not two accepted answers
        ("[1,2)", ("[1,2)",)),
        ("{1, 2}", ("{1, 2}",)),
        ("inputs", ("inputs",)),  # a gold that names a key stays maths
        ('the "inputs" are 3', ('the "inputs" are 3',)),
        ("true", ("true",)),
        ("9" * 5000, ("9" * 5000,)),
    ],
)
def test_maths(ground_truth: object, expected: tuple[str, ...]) -> None:
    assert parse_ground_truth(ground_truth) == MathTruth(expected)


CODE = [
    ({"inputs": ["1\n"], "outputs": ["2\n"]}, StdioTruth(("1\n",), ("2\n",))),
    ({"inputs": [["1", "2"]], "outputs": ["3"]}, StdioTruth(("1\n2",), ("3",))),
    ({"inputs": ["1"], "outputs": ["2"], "fn_name": None}, StdioTruth(("1",), ("2",))),
    ({"inputs": ["[1]"], "outputs": ["2"], "fn_name": "f"}, CallTruth(("[1]",), ("2",), "f")),
    (
        {"import_prefix": "import math", "test_code": "def check(c): pass", "entry_point": "f", "inputs": None},
        HarnessTruth("import math", "def check(c): pass", "f"),
    ),
    ({"assert_case": ["assert f(1) == 2"]}, AssertTruth(("assert f(1) == 2",))),
    ({"assert_case": ["assert f(1) == 2"], "import_prefix": "x = 1"}, AssertTruth(("assert f(1) == 2",), "x = 1")),
    ({"question_id": "abc301_a"}, LiveCodeBenchTruth("abc301_a")),
    ({"question_id": 2857}, LiveCodeBenchTruth("2857")),
]


@pytest.mark.parametrize(("fields", "expected"), CODE)
def test_code_as_object_as_text_and_parsed(fields: dict[str, object], expected: object) -> None:
    assert parse_ground_truth(fields) == expected
    assert parse_ground_truth(json.dumps(fields)) == expected
    assert parse_ground_truth(expected) is expected


@pytest.mark.parametrize(
    ("ground_truth", "message"),
    [
        (None, "is empty; give an answer"),
        (True, "not a maths answer"),
        ("", "is empty; give an answer"),
        (float("nan"), "not a maths answer"),
        ([], "empty list"),
        ("[]", "empty list"),
        ({}, "known kind of problem"),
        ({"inputs": ["1"]}, "known kind of problem"),
        ({"inputz": ["1"], "outputs": ["1"]}, "did you mean 'inputs'"),
        ({"inputs": [], "outputs": []}, "would pass anything"),
        ({"inputs": ["1", "2"], "outputs": ["1"]}, "2 inputs but 1 outputs"),
        ({"inputs": "1", "outputs": ["1"]}, "must be a list"),
        ({"inputs": [1], "outputs": ["1"]}, "text or a list of lines"),
        ({"assert_case": []}, "would pass anything"),
        ({"assert_case": [1]}, "list of strings"),
        ({"inputs": ["1"], "outputs": ["1"], "fn_name": ""}, "'fn_name' must be a string"),
        ({"question_id": ""}, "question_id"),
        ({"question_id": "a", "inputs": ["1"]}, "known kind of problem"),
        ('{"inputs": ["1"', "repair the row"),
    ],
)
def test_errors_say_what_and_name_the_row(ground_truth: object, message: str) -> None:
    with pytest.raises(GroundTruthError, match="row 'r7'") as caught:
        parse_ground_truth(ground_truth, row="r7")
    assert message in str(caught.value)


def test_a_broken_row_raises_and_is_no_silent_zero() -> None:
    with pytest.raises(GroundTruthError):
        or1_reward.verify(r"\boxed{1}", {"inputs": []})


def test_alternatives_are_accepted_one_by_one() -> None:
    assert or1_reward.verify(r"\boxed{0.5}", '["1/3", "1/2"]').reward == 1.0
    assert or1_reward.verify(r"\boxed{1/3, 1/2}", '["1/3", "1/2"]').reward == 0.0
