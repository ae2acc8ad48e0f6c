"""What or1-data writes as ground truth, or1-reward reads as the same kind; what one refuses, so does the other.

The two never import each other: this is where their reading of the row format is held together.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_data.errors import SchemaError
from or1_data.ground_truth import ground_truth_kind, ground_truth_text
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

KINDS = {
    "answer": MathTruth,
    "stdio": StdioTruth,
    "call": CallTruth,
    "harness": HarnessTruth,
    "assert": AssertTruth,
    "livecodebench": LiveCodeBenchTruth,
}

GOOD: list[tuple[str, Any]] = [
    ("answer", "204"),
    ("answer", 204),
    ("answer", -0.5),
    ("answer", r"\frac{3}{7}"),
    ("answer", ["5", r"\sqrt{25}"]),
    ("answer", "[7, 47]"),
    ("answer", '["7", "47"]'),
    ("answer", "{1, 2}"),
    ("answer", "true"),
    ("stdio", {"inputs": ["1 2\n"], "outputs": ["3\n"]}),
    ("stdio", {"inputs": ["1 2\n"], "outputs": ["3\n"], "fn_name": None}),
    ("call", {"inputs": ["[1,2]"], "outputs": ["3"], "fn_name": "add"}),
    ("harness", {"import_prefix": "import math\n", "test_code": "def check(f): ...", "entry_point": "Solution().f"}),
    ("harness", {"test_code": "def check(f): ...", "entry_point": "f", "inputs": None, "question_id": None}),
    ("assert", {"assert_case": ["assert f(1) == 2"]}),
    ("livecodebench", {"question_id": "abc_1"}),
    ("livecodebench", {"question_id": 12, "outputs": None}),
]

BAD: list[Any] = [
    "",
    "  ",
    None,
    [],
    [""],
    [None],
    {},
    {"inputs": None, "outputs": None},
    {"inputs": ["1"]},
    {"inputs": ["1"], "outputs": ["1"], "question_id": "q"},
    {"test": "def check(f): ...", "entry_point": "f"},
    {"nested": {"question_id": "q"}},
    True,
    float("nan"),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_both_read_the_same_kind(kind: str, value: Any) -> None:
    text = ground_truth_text(value)
    assert ground_truth_kind(text) == kind
    assert type(parse_ground_truth(text)) is KINDS[kind]
    assert parse_ground_truth(text) == parse_ground_truth(value)


@pytest.mark.parametrize("value", BAD)
def test_both_refuse_what_is_no_ground_truth(value: Any) -> None:
    with pytest.raises(SchemaError):
        ground_truth_text(value)
    with pytest.raises(GroundTruthError):
        parse_ground_truth(value)


@given(
    st.text(max_size=20).filter(str.strip) | st.sampled_from(["[1,2]", "[1]", '["1"]', "null", "1e999", "NaN", "-0"])
)
def test_any_answer_text_means_the_same_to_both(answer: str) -> None:
    try:
        text = ground_truth_text(answer)
    except SchemaError:
        with pytest.raises(GroundTruthError):
            parse_ground_truth(answer)
        return
    assert parse_ground_truth(text) == parse_ground_truth(answer)


@given(
    st.dictionaries(st.sampled_from(["inputs", "outputs", "fn_name", "question_id", "x"]), st.none() | st.just(["1"]))
)
def test_any_set_of_keys_means_the_same_to_both(fields: dict[str, Any]) -> None:
    fields = {key: "f" if value and key in {"fn_name", "question_id"} else value for key, value in fields.items()}
    try:
        kind = ground_truth_kind(ground_truth_text(fields))
    except SchemaError:
        with pytest.raises(GroundTruthError):
            parse_ground_truth(json.dumps(fields))
    else:
        assert type(parse_ground_truth(json.dumps(fields))) is KINDS[kind]
