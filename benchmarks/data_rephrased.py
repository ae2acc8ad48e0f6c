"""Labeled paraphrases of benchmark items (`tests/data/rephrased*.jsonl`), their benchmarks, and clean negatives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from or1_data import Problem
from or1_data.decontaminate.index import Item
from or1_data.sources import read_source

TESTS = Path(__file__).resolve().parents[1] / "tests" / "data"
LEETCODE = "leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz"
FILES = {
    "gsm8k_test": "benchmarks/gsm8k_test.jsonl",
    "aime24": "benchmarks/aime24.jsonl",
    "aime25": "benchmarks/aime25.jsonl",
    "hmmt_feb_2025": "benchmarks/hmmt_feb_2025.jsonl",
    "math500": "benchmarks/math500.jsonl",
    "codeforces": "rllm_code/test__code__codeforces.json",
    "leetcode": LEETCODE,
    "leetcode_rllm": "rllm_code/train__code__leetcode.json",
    "humaneval": "humaneval/data__HumanEval.jsonl.gz",
}
GROUPS = {
    "gsm8k_test": ("gsm8k_test",),
    "aime": ("aime24", "aime25"),
    "hmmt": ("hmmt_feb_2025",),
    "math500": ("math500",),
    "code": ("codeforces", "leetcode"),
    "leetcode_rllm": ("leetcode_rllm",),
    "humaneval": ("humaneval",),
}
_CONTESTS = (
    "deepscaler/data__train__math.json",
    "deepscaler/data__train__aime.json",
    "still/evaluation__dataset__omni_math_num_500.jsonl",
)
NEGATIVES = {
    "gsm8k_test": (
        "gsm8k/grade_school_math__data__train.jsonl",
        "deepscaler/data__train__math.json",
        "simplerl_eval/data__svamp__test.jsonl",
    ),
    "aime": _CONTESTS,
    "hmmt": _CONTESTS,
    "math500": (
        "gsm8k/grade_school_math__data__train.jsonl",
        "deepscaler/data__train__aime.json",
        "still/evaluation__dataset__omni_math_num_500.jsonl",
        "one_shot_rlvr/train__one_shot_rlvr__dsr_sub.parquet",
    ),
    "code": (LEETCODE, "rllm_code/test__code__code_contests.json"),
    "leetcode_rllm": ("rllm_code/test__code__code_contests.json",),
    "humaneval": (
        LEETCODE,
        "rllm_code/test__code__code_contests.json",
        "rllm_code/test__code__codeforces.json",
    ),
}
NEWEST = 1440
"""LeetCode problems from this row on are the benchmark, those before it the negatives."""


class Rephrased(NamedTuple):
    benchmark: str
    reference: str
    text: str
    truth: str = ""
    """The ground truth as JSON text, where the file has the `answer` of the row."""


def problems(path: Path, *, only_old: bool = False) -> list[Problem]:
    """The problems of a file."""
    found = list(read_source(path, set_aside=lambda error: None))
    return found[:NEWEST] if only_old and path.name == Path(LEETCODE).name else found


def texts(path: Path, *, only_old: bool = False) -> list[str]:
    """The statements of a file."""
    return [problem.statement for problem in problems(path, only_old=only_old)]


def load_items(folder: Path, group: str) -> list[Item]:
    """The benchmark items of a group; an item's reference is its row in the file, from 0."""
    items: list[Item] = []
    for name in GROUPS[group]:
        first = NEWEST if name == "leetcode" else 0
        items += [
            Item(name, str(row), problem.statement, problem.ability, problem.ground_truth)
            for row, problem in enumerate(problems(folder / FILES[name]))
            if row >= first
        ]
    return items


def load_rephrased(name: str | Path = "rephrased.jsonl") -> list[Rephrased]:
    """The paraphrases of a file under tests/data, or anywhere."""
    rows = map(json.loads, (TESTS / name).read_text(encoding="utf-8").splitlines())
    return [
        Rephrased(
            row["benchmark"], str(row["row"]), row["text"], json.dumps(row["answer"]) if row.get("answer") else ""
        )
        for row in rows
    ]
