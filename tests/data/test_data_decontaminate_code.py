"""Programming problems in other words: known by their tests and samples, and functions by their words, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_data import Problem, make_problem
from or1_data.decontaminate import BenchmarkIndex, Matcher, annotate_contamination, build_index
from or1_data.decontaminate.cases import cases, spans
from or1_data.decontaminate.index import Item
from or1_data.sources import read_source
from or1_data.text.program import told

REMOVED = {"verbatim", "reformatted", "number_changed", "paraphrase"}
LEETCODE = "leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz"
STORY = (
    "A lighthouse keeper writes a riddle for the night watch: {} Whoever finds the number she has in mind may sleep."
)


def problems(path: Path) -> list[Problem]:
    return list(read_source(path, set_aside=lambda error: None))


def item(problem: Problem, number: int = 0) -> Item:
    return Item("b", f"b#{number}", problem.statement, problem.ability, problem.ground_truth)


def code(statement: str, truth: object) -> Problem:
    return make_problem(statement, truth, ability="code", data_source="x")


PYTHON = 'def near_pairs(value: list, limit: float):\n    """How many pairs are nearer than the limit?"""\n    return 0'
JAVASCRIPT = "```javascript\n/**\n * How many pairs are nearer\n * than it?\n */\nfunction nearPairs(value, limit) {\n}"
C = "#include <stdio.h>\n// How many pairs are nearer\n// than it?\nint near_pairs(float *value, float limit) {\n}"


@pytest.mark.parametrize("statement", [PYTHON, JAVASCRIPT, C])
def test_what_code_says_is_its_comment_and_its_names(statement: str) -> None:
    found = told(statement)
    assert found.is_code and "How many pairs are nearer" in found.words
    assert [name for name in found.names if name != "value"] == ["near", "pairs", "limit"]


def test_a_statement_in_front_of_its_starter_code_is_told_by_the_statement() -> None:
    ask = "Count the pairs of numbers in the list that are nearer to each other than the limit that is given."
    found = told(f"{ask}\n```python\nclass Solution:\n    def nearPairs(self, nums):\n```")
    assert not found.is_code and "class" not in found.words and found.names == ["near", "pairs", "nums"]


@pytest.mark.parametrize(
    "statement",
    [
        "Let f be a function (x) with f(1)=2.\nfunction values are integers.\nclass of 30 students.\nFind f(3).",
        "See [asy]\nimport graph; real f(real x) {\n return x; }\n[/asy] What is $f(3)$?",
    ],
)
def test_mathematics_is_no_code(statement: str) -> None:
    assert not told(statement).is_code and "What is" in told(statement).words + "What is" and not told(statement).names


@given(st.lists(st.integers(-999, 999), min_size=2, max_size=8), st.integers(-99, 99))
def test_a_test_is_the_same_in_every_form(numbers: list[int], answer: int) -> None:
    forms = [
        {"inputs": [" ".join(map(str, numbers)) + "\n"], "outputs": [f"{answer}\n"]},
        {"inputs": [[numbers]], "outputs": [answer], "fn_name": "f"},
        {
            "test_code": f"def check(candidate):\n    assert candidate(nums = {numbers}) == {answer}\n",
            "entry_point": "f",
        },
        {"assert_case": [f"assert f({numbers}) == {answer}"]},
    ]
    assert len({json.dumps(cases(json.dumps(form))) for form in forms}) == 1


def test_counting_up_and_repeating_say_nothing() -> None:
    assert not spans("1 2 3 4 5 6") and not spans("7, 7, 7, 7") and not spans("10 20 30 40")
    assert not cases(json.dumps({"inputs": ["1 2 3"], "outputs": ["4"]}))
    assert set(spans("f(3, 17, 4)")) == {"3\x1f17\x1f4"}
    assert cases('"42"') == {} == cases("no json")


def test_a_retold_problem_is_known_by_its_tests(real: Path) -> None:
    known = problems(real / "rllm_code/train__code__leetcode.json")[:400]
    telling = [n for n, p in enumerate(known) if sum(cases(p.ground_truth).values()) >= 20]
    assert len(telling) >= 150
    retold = [
        make_problem(STORY.format(n), json.loads(known[n].ground_truth), ability="code", data_source="x")
        for n in telling
    ]
    index = build_index(item(problem, n) for n, problem in enumerate(known))
    notes = [p.notes.get("decontaminate") for p in annotate_contamination(retold, index)]
    right = [
        note is not None and note["class"] == "paraphrase" and note["item"] == f"b#{n}"
        for n, note in zip(telling, notes, strict=True)
    ]
    assert sum(right) >= 0.98 * len(right)  # a few problems of the site share their tests
    assert all(note["scores"]["tests"] == 1.0 for note, good in zip(notes, right, strict=True) if good)
    assert Matcher(index).match([p.statement for p in retold]) == [None] * len(retold)  # without tests, nothing says so


def test_other_problems_of_the_same_site_do_not_share_tests(real: Path) -> None:
    older = problems(real / LEETCODE)[440:1440]
    index = build_index(item(p) for p in problems(real / "rllm_code/test__code__codeforces.json"))
    index_new = build_index(item(p) for p in problems(real / LEETCODE)[1440:])
    for benchmark, rows in ((index, older[:300]), (index_new, older)):
        matches = Matcher(benchmark).match([STORY.format(n) for n in range(len(rows))], [p.ground_truth for p in rows])
        assert sum(match is not None for match in matches) <= 0.001 * len(rows)


def rephrased() -> list[tuple[int, str]]:
    lines = (Path(__file__).parent / "rephrased_code.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["row"], row["text"]) for row in map(json.loads, lines)]


def test_reworded_functions_are_found_and_other_problems_are_not(real: Path, tmp_path: Path) -> None:
    index = build_index(item(p) for p in problems(real / "humaneval/data__HumanEval.jsonl.gz"))
    rows = rephrased()
    matches = Matcher(index).match([text for _, text in rows])
    found = sum(
        m is not None and m.kind in REMOVED and m.item == row for (row, _), m in zip(rows, matches, strict=True)
    )
    assert found >= 0.45 * len(rows)
    others = problems(real / LEETCODE)[1290:] + problems(real / "rllm_code/test__code__codeforces.json")
    alarms = [m for m in Matcher(index).match([p.statement for p in others], [p.ground_truth for p in others]) if m]
    assert sum(m.kind in REMOVED for m in alarms) <= 0.001 * len(others)
    index.save(tmp_path / "i.npz")
    again = Matcher(BenchmarkIndex.load(tmp_path / "i.npz")).match([text for _, text in rows])
    assert again == matches


def test_an_answer_in_common_tells_and_another_one_speaks_against_a_paraphrase() -> None:
    text = "Ben buys 17 pens at 3 dollars each and 4 books at 23 dollars each. How many dollars does he spend in all?"
    retold = "At 3 dollars apiece, 17 pens are purchased by Al, and 4 novels for 23 dollars apiece. What is his bill?"
    matcher = Matcher(build_index([Item("b", "b#1", text, "math", '"143"')]))
    same, other, none = (matcher.match([retold], [truth])[0] for truth in ('"143.0"', '"7"', ""))
    assert same is not None and none is not None and same.score > none.score
    assert other is None or other.kind == "template", "whoever rewords a problem keeps its answer"
