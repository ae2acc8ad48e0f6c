"""What or1-reward cannot grade, or1-data finds first: set aside as broken, or flagged by the rule on tests.

The two packages never import each other; this test holds their readings of the ground truth against each other.
"""

from __future__ import annotations

import gc
import json
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from or1_data import SchemaError, make_problem
from or1_data.rules.checks import parsed
from or1_data.rules.stage import find
from or1_data.sources import read_source

reward = pytest.importorskip("or1_reward.ground_truth")
tasks = pytest.importorskip("or1_reward.code.tasks")

scalars = st.sampled_from(
    [None, True, 0, 5, -1.5, "", " ", "1", "[1]", "1\n2", "x y", "f", '"a"', [], [1], ["a", "b"], {}]
)
tests = st.one_of(scalars, st.lists(scalars, max_size=3))
code = st.one_of(
    scalars,
    st.sampled_from(
        [
            "def check(candidate):\n    assert candidate(1) == 2\n",
            "def check(candidate):\n    assert True\n",
            "def check(candidate):\n    pass\n",
            "if 1:\n    def check(candidate):\n        assert candidate(1)\n",
            "def check(candidate:\n",
            "import math",
            "assert f(1) == 1",
            "assert True",
            "assert f(",
        ]
    ),
)
truths = st.one_of(
    st.fixed_dictionaries({"inputs": tests, "outputs": tests}, optional={"fn_name": scalars, "extra": scalars}),
    st.fixed_dictionaries({"test_code": code, "entry_point": scalars}, optional={"import_prefix": code}),
    st.fixed_dictionaries(
        {"assert_case": st.one_of(code, st.lists(code, max_size=3))}, optional={"import_prefix": code}
    ),
    st.fixed_dictionaries({"question_id": scalars}),
    tests,
)


def refused_by_reward(truth: object) -> bool:
    """Whether or1-reward can make no test of it. The tests of LiveCodeBench lie elsewhere and are not looked up."""
    return bool(refusal(truth))


def refusal(truth: object) -> str:
    """Why or1-reward can make no test of it; empty where it can."""
    try:
        read = reward.parse_ground_truth(truth)
        if not isinstance(read, reward.MathTruth | reward.LiveCodeBenchTruth):
            tasks.cases_of(read)
    except (ValueError, TypeError) as error:
        return str(error) or type(error).__name__
    return ""


def found_by_data(truth: object) -> bool:
    """Whether or1-data sets the row aside or the rule on tests speaks against it."""
    ability = "code" if isinstance(truth, dict) else "math"
    try:
        problem = make_problem("Do it.", truth, ability=ability, data_source="s")
    except SchemaError:
        return True
    return any(finding.rule == "bad_tests" for finding in find(problem))


@settings(max_examples=1500, deadline=None)
@given(truths)
def test_what_the_verifier_refuses_is_found(truth: object) -> None:
    if refused_by_reward(truth):
        assert found_by_data(truth), truth


GOOD = [
    {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "3\n"]},
    {"inputs": [["1", "2"]], "outputs": [["3"]]},
    {"inputs": ["1\n[2]", ""], "outputs": ["3", "null"], "fn_name": "f"},
    {"inputs": [[1, "a"]], "outputs": ["a b"], "fn_name": "f"},
    {"test_code": "def check(c):\n    for x in (1, 2):\n        assert c(x)\n", "entry_point": "Solution().f"},
    {"assert_case": [" assert f(1) == 2"], "import_prefix": "import math\n"},
    {"question_id": "abc301_a"},
    {"inputs": ["1"], "outputs": ["2"], "fn_name": None, "test_code": None},
]


@pytest.mark.parametrize("truth", GOOD)
def test_what_both_can_grade_is_not_flagged(truth: dict) -> None:
    assert not refused_by_reward(truth)
    assert not found_by_data(truth)


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        ({"inputs": [], "outputs": []}, "no tests"),
        ({"inputs": ["1"], "outputs": []}, "1 inputs but 0 outputs"),
        ({"inputs": ["1"], "outputs": [""]}, "every output is empty"),
        ({"inputs": ["1", "1"], "outputs": ["2", "3"]}, "same input and different outputs"),
        ({"inputs": ["1"], "outputs": ["1\n2"], "fn_name": "f"}, "test 0: the output is not JSON of one value"),
        ({"inputs": [5], "outputs": [5], "fn_name": "f"}, "no list of arguments"),
        ({"inputs": ["1"], "outputs": ["2"], "fn_name": ""}, "fn_name"),
        ({"test_code": "def check(c):\n    assert c(1)", "entry_point": " "}, "entry_point"),
        ({"test_code": "def check(c):\n    assert True", "entry_point": "f"}, "asserts nothing"),
        ({"test_code": 5, "entry_point": "f"}, "no text"),
        ({"test_code": "def check(c):\n    assert c(node([1])) == 2", "entry_point": "f"}, "uses node, which nothing"),
        ({"assert_case": [7]}, "assertion 0"),
        ({"assert_case": ["assert f(1)"], "import_prefix": "import ("}, "import_prefix does not parse"),
        ({"question_id": True}, "question_id"),
    ],
)
def test_the_reason_is_said(truth: dict, reason: str) -> None:
    problem = make_problem("Do it.", truth, ability="code", data_source="s")
    assert reason in find(problem)[0].text


def test_real_code_sets_are_gradable_where_no_rule_speaks(real: Path) -> None:
    """Rows of three real sets: or1-reward reads every row that the rule passes.

    A quarter of rllm's LeetCode rows call helpers that nothing in the row defines (`list_node`).
    """
    files = (
        ("rllm_code/test__code__codeforces.json", 0.9),
        ("rllm_code/train__code__leetcode.json", 0.75),
        ("humaneval/data__HumanEval.jsonl.gz", 0.9),
        ("leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz", 0.9),
    )
    for file, least in files:
        rows = list(read_source(real / file, set_aside=lambda error: None))[:150]
        found = [find(row) for row in rows]
        passed = [
            row for row, findings in zip(rows, found, strict=True) if not any(f.rule == "bad_tests" for f in findings)
        ]
        assert len(passed) > least * len(rows), file
        refusals = [refusal(json.loads(row.ground_truth)) for row in passed]
        assert not any(refusals), file
        for row, findings in zip(rows, found, strict=True):  # what lacks a name lacks it there too
            if any("nothing in the row defines" in finding.text for finding in findings):
                assert "neither it nor import_prefix defines" in str(refusal(json.loads(row.ground_truth)))


def test_parsing_in_threads_gives_what_one_thread_gives() -> None:
    """CPython 3.11 fails where another thread parses in the middle of a parse; a collection gives it the turn."""
    check = "def check(c):\n" + "".join(f"    assert c({n}, [{n}, {{'a': {n}}}]) == ({n},)\n" for n in range(60))
    results: list[str] = []

    def work() -> None:
        results.extend(parsed(check)[1] for _ in range(30))

    def give_way(*_: object) -> None:
        time.sleep(0)

    threshold = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(50)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.callbacks.remove(give_way)
        gc.set_threshold(*threshold)
    assert results == [""] * 120
