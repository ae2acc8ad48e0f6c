"""Solutions with known labels: a sample here, all of them in benchmarks/code_sandbox.py."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from or1_reward.code import judge_program
from or1_reward.ground_truth import HarnessTruth, parse_ground_truth
from or1_reward.types import Status

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
CHEAP_S = 0.3


def need(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no labeled solutions at {path}")
    return path


def lines(name: str) -> list[bytes]:
    return gzip.decompress(need(name).read_bytes()).splitlines()


def judge_all(rows: list[tuple[str, object, bool]]) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda row: judge_program(row[0], row[1]), rows))
    wrong = [v.detail for v, row in zip(verdicts, rows, strict=True) if (v.status is Status.CORRECT) != row[2]]
    assert not any(v.status is Status.VERIFIER_ERROR for v in verdicts)
    return wrong


def test_labeled_solutions() -> None:
    rows = [json.loads(line) for line in need("verifier/code_dev.jsonl").read_text().splitlines()]
    cheap = [row for row in rows if (row.get("max_s") or 9) < CHEAP_S and len(row["tests"].get("inputs", ())) <= 12]
    kinds = {(row["kind"], row["label"]) for row in cheap}
    assert len(kinds) == 6
    assert judge_all([(row["solution"], parse_ground_truth(row["tests"]), row["label"]) for row in cheap[::3]]) == []


def test_humaneval_solutions() -> None:
    rows = [json.loads(line) for line in lines("humaneval/data__HumanEval.jsonl.gz")][::4]
    truths = [HarnessTruth("", row["test"], row["entry_point"]) for row in rows]
    assert (
        judge_all(
            [(row["prompt"] + row["canonical_solution"], truth, True) for row, truth in zip(rows, truths, strict=True)]
        )
        == []
    )


def test_leetcode_solutions() -> None:
    every = map(json.loads, lines("leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz"))
    rows = [row for row in every if "is_same_" in row["test"] or row["meta"]["question_id"] % 40 == 0]
    rows = [row for row in rows if "import numpy" not in row["completion"]]
    truths = [HarnessTruth(row["prompt"], row["test"], row["entry_point"]) for row in rows]
    judged = [(row["completion"], truth, True) for row, truth in zip(rows, truths, strict=True)]
    assert len(judged) > 60
    assert judge_all(judged) == []
