"""Adapters: real rows where they are at hand, made-up rows of the published schema where not."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from pathlib import Path

import pytest

from or1_data import ConfigError, SchemaError
from or1_data.sources import ADAPTERS, detect, read_source
from or1_data.templates import split_instructions

REAL = [
    ("gsm8k/grade_school_math__data__train.jsonl", "gsm8k", 7473, 0),
    ("deepscaler/data__train__math.json", "deepscaler", 7470, 4),
    ("deepscaler/data__test__amc.json", "deepscaler", 83, 0),
    ("tora/data__math__test.jsonl", "math", 5000, 0),
    ("tora/data__gsm-hard__test.jsonl", "gsm_hard", 1319, 0),
    ("still/evaluation__dataset__omni_math_num_500.jsonl", "omni_math", 500, 0),
    ("deepscaler/data__test__olympiad_bench.json", "olympiadbench", 675, 0),
    ("simplerl_eval/data__svamp__test.jsonl", "svamp", 1000, 0),
    ("orz_eval/data__eval_data__aime2024.json", "open_reasoner", 30, 0),
    ("still/OlymMATH__data__OlymMATH-EN-HARD.jsonl", "problem_answer", 100, 0),
    ("still/evaluation__dataset__AIME24.jsonl", "boxed_solution", 30, 0),
    ("rlvr_decomposed/data__amc23__test.parquet", "verl", 40, 0),
    ("one_shot_rlvr/train__one_shot_rlvr__dsr_sub.parquet", "verl", 1208, 1),
    ("leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz", "leetcode", 1890, 0),
    ("humaneval/data__HumanEval.jsonl.gz", "humaneval", 164, 0),
    ("rllm_code/train__code__leetcode.json", "rllm", 1889, 0),
    ("rllm_code/test__code__codeforces.json", "rllm", 408, 0),
]


@pytest.mark.parametrize(("file", "adapter", "good", "bad"), REAL)
def test_real_files_are_recognised_and_read(real: Path, file: str, adapter: str, good: int, bad: int) -> None:
    aside: list[SchemaError] = []
    problems = list(read_source(real / file, set_aside=aside.append))
    assert (len(problems), len(aside)) == (good, bad)
    named = list(read_source(real / file, adapter, set_aside=aside.append))
    assert [p.id for p in named] == [p.id for p in problems]


def test_gsm8k_answers_are_those_of_the_benchmark_copy(real: Path) -> None:
    ours = [p.ground_truth for p in read_source(real / "gsm8k/grade_school_math__data__test.jsonl")]
    other = [json.loads(line)["answer"] for line in (real / "benchmarks/gsm8k_test.jsonl").read_text().splitlines()]
    assert [gold.strip('"').replace(",", "") for gold in ours] == [gold.replace(",", "") for gold in other]


def test_the_boxed_answer_of_math_is_the_listed_one(real: Path) -> None:
    rows = list(read_source(real / "still/evaluation__dataset__MATH_OAI.jsonl", "boxed_solution"))
    listed = list(read_source(real / "still/evaluation__dataset__MATH_OAI.jsonl", "math"))
    same = sum(
        a.ground_truth.replace(" ", "") == b.ground_truth.replace(" ", "") for a, b in zip(rows, listed, strict=True)
    )
    assert same >= 495  # a few answers are listed in another spelling than the solution's


PRIVATE = base64.b64encode(
    zlib.compress(pickle.dumps(json.dumps([{"input": "3", "output": "6", "testtype": "functional"}])))
).decode()
MADE_UP = {
    "numina": {
        "problem": "Find x.",
        "solution": "x=3",
        "answer": "3",
        "problem_type": "Algebra",
        "question_type": "math-word-problem",
        "source": "olympiads",
    },
    "still3": {"question": "Find y.", "answer": "12"},
    "taco": {
        "question": "Add.",
        "solutions": '["print(3)"]',
        "starter_code": "",
        "input_output": '{"inputs": ["1 2"], "outputs": ["3"]}',
        "difficulty": "EASY",
        "raw_tags": "[]",
    },
    "apps": {
        "problem_id": 1,
        "question": "Add.",
        "solutions": "",
        "input_output": '{"inputs": [[1]], "outputs": [[2]], "fn_name": "f"}',
        "starter_code": "def f(x):",
    },
    "code_contests": {
        "description": "Add.",
        "public_tests": {"input": ["1 2"], "output": ["3"]},
        "private_tests": {"input": ["4 5"], "output": ["9"]},
        "solutions": {"language": [2, 3], "solution": ["int main", "print(3)"]},
    },
    "livecodebench": {
        "question_content": "Double.",
        "question_id": "q1",
        "contest_date": "2024-09-01",
        "starter_code": "class Solution:",
        "public_test_cases": '[{"input": "1", "output": "2"}]',
        "private_test_cases": PRIVATE,
        "metadata": '{"func_name": "f"}',
    },
}


@pytest.mark.parametrize("name", MADE_UP)
def test_rows_of_hub_sets(name: str) -> None:
    row = MADE_UP[name]
    assert detect(row).name == name
    problem = ADAPTERS[name].convert(row, "hub")
    truth = json.loads(problem.ground_truth)
    expected = {
        "numina": "3",
        "still3": 12,
        "taco": {"inputs": ["1 2"], "outputs": ["3"]},
        "apps": {"inputs": [[1]], "outputs": [[2]], "fn_name": "f"},
        "code_contests": {"inputs": ["1 2", "4 5"], "outputs": ["3", "9"]},
        "livecodebench": {"inputs": ["1", "3"], "outputs": ["2", "6"], "fn_name": "f"},
    }[name]
    assert truth == expected or str(truth) == str(expected)
    assert problem.solution == {"numina": "x=3", "taco": "print(3)", "code_contests": "print(3)"}.get(name, "")


@pytest.mark.parametrize("name", ADAPTERS)
def test_the_example_row_of_each_docstring_is_read(name: str) -> None:
    about = ADAPTERS[name].convert.__doc__ or ""
    row, _ = json.JSONDecoder().raw_decode(about[about.index("{") :])
    problem = ADAPTERS[name].convert(row, "example")
    assert problem.statement and (problem.ability == "code") == isinstance(json.loads(problem.ground_truth), dict)
    recognised = {"or1": "verl", "dapo": "verl"}.get(name, name)
    assert detect(row).name == recognised


def test_a_full_row_of_taco_with_the_columns_of_its_card_is_read() -> None:
    row = dict.fromkeys(["name", "tags", "skill_types", "Expected Auxiliary Space", "time_limit", "date", "url"])
    row |= MADE_UP["taco"] | {"picture_num": "0", "memory_limit": "256 megabytes", "Expected Time Complexity": None}
    assert detect(row).name == "taco" and ADAPTERS["taco"].convert(row, "x").extra_info["difficulty"] == "EASY"


ISSUE = "or1 gsm8k math deepscaler omni_math numina still3 dapo taco apps leetcode code_contests livecodebench"


def test_every_set_that_was_asked_for_has_an_adapter() -> None:
    assert set(ISSUE.split()) <= ADAPTERS.keys()


def test_a_test_file_that_would_run_code_is_refused() -> None:
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    evil = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    with pytest.raises(SchemaError, match="private_test_cases"):
        ADAPTERS["livecodebench"].convert({**MADE_UP["livecodebench"], "private_test_cases": evil}, "x")


def test_dapo_rows_lose_their_instructions_but_keep_them_in_the_prompt() -> None:
    prompt = (
        "Solve the following math problem step by step. The last line of your response should be of the form Answer: $Answer "  # noqa: E501
        "(without quotes) where $Answer is the answer to the problem.\n\nHow many primes are below 10?\n\n"
        'Remember to put your answer on its own line after "Answer:".'
    )
    row = {
        "data_source": "math_dapo",
        "prompt": [{"role": "user", "content": prompt}],
        "ability": "MATH",
        "reward_model": {"ground_truth": "4", "style": "rule-lighteval/MATH_v2"},
        "extra_info": {"index": "a"},
    }
    problem = ADAPTERS["dapo"].convert(row, "dapo")
    assert problem.statement == "How many primes are below 10?"
    assert problem.prompt[0]["content"] == prompt and problem.ability == "math" and problem.style == "rule"


def test_the_suffix_of_the_real_set_is_recognised_on_every_row(real: Path) -> None:
    file = real / "one_shot_rlvr/train__one_shot_rlvr__dsr_sub.parquet"
    problems = list(read_source(file, set_aside=lambda error: None))
    assert all("\\boxed{}" in p.prompt[0]["content"] for p in problems)
    assert not any("step by step" in p.statement for p in problems)


@pytest.mark.parametrize(
    "text",
    ["Let's think step by step.", "Please reason step by step", "A step by step guide: how many steps are there?", ""],
)
def test_a_message_that_is_only_instructions_is_left_whole(text: str) -> None:
    assert split_instructions(text).statement == text


def test_an_unknown_adapter_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'gsm8k'"):
        list(read_source("x.jsonl", "gsm8"))


def test_a_subset_is_chosen_by_column(tmp_path: Path) -> None:
    rows = [{**MADE_UP["numina"], "source": source} for source in ("olympiads", "synthetic_math", "amc_aime")]
    (tmp_path / "n.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = list(
        read_source(tmp_path / "n.jsonl", "numina", name="numina", where={"source": ["olympiads", "amc_aime"]})
    )
    assert [p.data_source for p in found] == ["numina_olympiads", "numina_amc_aime"]
