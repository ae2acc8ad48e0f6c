"""Kinds of answers that public reports show: the reported cases, and variants written for these tests."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

import or1_reward
from or1_reward import MathTruth, Status

_SPEC = importlib.util.spec_from_file_location("maths_kinds", Path(__file__).with_name("maths_kinds.py"))
assert _SPEC and _SPEC.loader
_KINDS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_KINDS)
LEAST_RIGHT = 0.95


@pytest.mark.parametrize(("kind", "gold", "answer", "equal"), _KINDS.kinds())
def test_kinds(kind: str, gold: str, answer: str, equal: bool) -> None:
    verdict = or1_reward.verify(f"Therefore the final answer is $\\boxed{{{answer}}}$.", MathTruth((gold,)))
    assert (verdict.reward == 1.0) is equal, (kind, verdict.status, verdict.extracted, verdict.detail)
    assert verdict.status is not Status.VERIFIER_ERROR, verdict.detail


def test_reported_cases(shared_data: Path) -> None:
    """At least 95% of the reported cases are right, and none of the wrong answers is accepted."""
    path = shared_data / "reports" / "math_give.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    verdicts = [or1_reward.verify(row["response"], MathTruth((row["gold"],))) for row in rows]
    accepted = [verdict.reward == 1.0 for verdict in verdicts]
    false_positives = [row["id"] for row, said in zip(rows, accepted, strict=True) if said and not row["right"]]
    right = sum(said == row["right"] for row, said in zip(rows, accepted, strict=True))
    assert not false_positives
    assert right >= LEAST_RIGHT * len(rows), f"{right} of {len(rows)}"
    assert not [row["id"] for row, verdict in zip(rows, verdicts, strict=True) if verdict.reward is None]
