"""Every gold answer of the real problem sets verifies as itself: the least that a verifier owes to a data set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from or1_reward import Status, verify

SAMPLE = 150
"""Rows of each file, spread over all of it."""


def key(name: str) -> Callable[[dict[str, Any]], Any]:
    """Reads the gold from one column."""
    return lambda row: row[name]


def after_hashes(row: dict[str, Any]) -> str:
    """GSM8K: the number behind `####`."""
    return str(row["answer"]).split("####")[1].strip()


GOLDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "benchmarks/aime24.jsonl": key("answer"),
    "benchmarks/aime25.jsonl": key("answer"),
    "benchmarks/amc23.jsonl": key("answer"),
    "benchmarks/gsm8k_test.jsonl": key("answer"),
    "benchmarks/hmmt_feb_2025.jsonl": key("answer"),
    "benchmarks/math500.jsonl": key("answer"),
    "benchmarks/minerva_math.jsonl": key("answer"),
    "benchmarks/olympiadbench.jsonl": key("answer"),
    "deepscaler/data__train__aime.json": key("answer"),
    "deepscaler/data__train__math.json": key("answer"),
    "gsm8k/grade_school_math__data__train.jsonl": after_hashes,
    "simplerl_eval/data__svamp__test.jsonl": key("Answer"),
    "still/OlymMATH__data__OlymMATH-EN-HARD.jsonl": key("answer"),
    "still/OlymMATH__data__OlymMATH-ZH-EASY.jsonl": key("answer"),
    "still/evaluation__dataset__omni_math_num_500.jsonl": key("answer"),
    "tora/data__gsm-hard__test.jsonl": key("target"),
}


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a json or jsonl file."""
    text = path.read_text()
    found = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines() if line]
    assert isinstance(found, list)
    return found


def spread(items: list[Any], count: int) -> list[Any]:
    """At most `count` items at equal distances."""
    return items[:: max(1, -(-len(items) // count))]


def failures(golds: Iterable[Any], wrap: str) -> Iterator[str]:
    """The golds that are not correct when a response gives them word for word."""
    for gold in golds:
        verdict = verify(wrap.format(gold), json.dumps(gold))
        if verdict.status is not Status.CORRECT:
            yield f"{gold!r}: {verdict.status}: {verdict.detail}"


@pytest.mark.parametrize("name", GOLDS)
def test_gold_in_a_box_is_correct(name: str, shared_data: Path) -> None:
    golds = [GOLDS[name](row) for row in spread(rows(shared_data / name), SAMPLE)]
    assert golds
    assert not list(failures(golds, "Reasoning first.</think> The answer is \\boxed{{{}}}."))


@pytest.mark.parametrize("name", ["benchmarks/aime24.jsonl", "benchmarks/gsm8k_test.jsonl"])
def test_an_integer_gold_plus_one_is_wrong(name: str, shared_data: Path) -> None:
    for row in spread(rows(shared_data / name), SAMPLE):
        other = int(row["answer"].replace(",", "")) + 1
        assert verify(f"\\boxed{{{other}}}", json.dumps(row["answer"])).status is Status.WRONG, row["id"]


def test_rows_in_the_released_format_verify(shared_data: Path) -> None:
    from pyarrow import parquet

    for file in ("or1_data__eval__aime24.parquet", "or1_data__eval__aime25.parquet"):
        table = parquet.read_table(shared_data / "skywork_or1" / file)
        assert table.num_rows == 30
        for row in table.to_pylist():
            truth = row["reward_model"]["ground_truth"]  # JSON text
            assert verify(f"\\boxed{{{truth}}}", truth).status is Status.CORRECT
            assert verify("\\boxed{}", truth).reward == 0.0
