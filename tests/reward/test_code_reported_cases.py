"""Cases from public reports and attacks: ground truth, response, right verdict.

LiveCodeBench's comparison stays the default; the cases that it judges otherwise carry the comparison that is meant.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from or1_reward import verify
from or1_reward.code import CodeSettings
from or1_reward.comparison import Compare
from or1_reward.grading import Grader

ROW_AT_FAULT = "verifier_error is the only right verdict"
STRICT = CodeSettings(compare=Compare(rule="exact", tolerance=1e-6))
BY_COMPARISON = {
    "float-6-digits", "float-last-digit", "r-float-stdout-many", "float-call-list", "r-float-list-call",
    "float-leetcode-1e5", "missing-leading-zeros", "r-pyramid-art", "nbsp", "underscore-digits", "arabic-digits",
}  # fmt: skip
ANY_ORDER = {"r-multiple-valid-mittens"}


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "reports" / "code_give.jsonl"
    if not path.exists():
        pytest.skip(f"no cases at {path}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def status(case: dict[str, Any]) -> str:
    truth = case["ground_truth"]
    if case["id"] in ANY_ORDER:
        truth = {**truth, "compare": "unordered_lines"}
    grader = Grader(code=STRICT if case["id"] in BY_COMPARISON else None)
    return grader.verify(case["response"], truth).status.value


def is_right(case: dict[str, Any], found: str) -> bool:
    if ROW_AT_FAULT in case["source"]:
        return found == "verifier_error"
    return found == "correct" if case["right"] else found not in {"correct", "verifier_error"}


def test_every_case_has_its_verdict(cases: list[dict[str, Any]]) -> None:
    wrong = {case["id"]: found for case in cases if not is_right(case, found := status(case))}
    assert wrong == {}


def test_the_default_is_livecodebench(cases: list[dict[str, Any]]) -> None:
    loose = {"missing-leading-zeros", "r-pyramid-art", "nbsp", "underscore-digits", "arabic-digits"}
    for case in cases:
        if case["id"] in loose:
            assert verify(case["response"], case["ground_truth"]).status == "correct", case["id"]
        elif case["id"] in BY_COMPARISON:
            assert verify(case["response"], case["ground_truth"]).status == "wrong", case["id"]
