"""Tasks from real files, TOML, the shared row format; LiveCodeBench's own encoding, window and releases."""

from __future__ import annotations

import base64
import json
import pickle
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import pytest

from or1_eval import ReplayEngine, Task, TaskError, evaluate, load_task
from or1_eval.tasks import builtin_names, task_from_rows
from or1_eval.tasks.livecodebench import file_names
from or1_eval.tasks.spec import TaskSpec, builtin_spec

SUFFIX = " Let's think step by step and output the final answer within \\boxed{}."


def prompts(task: Task) -> list[str]:
    """The user's text of each problem."""
    return [problem.prompt[-1]["content"] for problem in task.problems]  # type: ignore[index, call-overload]


@pytest.mark.parametrize("year", [24, 25])
def test_aime_is_the_reports_from_either_file(shared_data: Path, year: int) -> None:
    """The released parquet: its prompts are the task's default prompts, word for word, and jsonl gives the same."""
    from pyarrow import parquet

    file = shared_data / "skywork_or1" / f"or1_data__eval__aime{year}.parquet"
    released = [row["prompt"][0]["content"] for row in parquet.read_table(file).to_pylist()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_parquet = load_task(f"aime{year}={file}")
        from_jsonl = load_task(f"aime{year}={shared_data}/benchmarks/aime{year}.jsonl")
    assert prompts(from_parquet) == released == prompts(from_jsonl)
    assert all(text.endswith(SUFFIX) for text in released) == (year == 24)
    other = load_task(f"aime{year}={file}", template="bare" if year == 24 else "step-by-step")
    assert all(text.endswith(SUFFIX) for text in prompts(other)) == (year == 25)
    assert (from_parquet.k, from_parquet.sampling.max_new_tokens, from_parquet.sampling.temperature) == (32, 32768, 1.0)


def test_the_template_is_said_in_the_result(shared_data: Path) -> None:
    for template in ("step-by-step", "bare"):
        task = load_task(f"aime25={shared_data}/benchmarks/aime25.jsonl", template=template, limit=2)
        report = evaluate(task, lambda prompt: "\\boxed{70}", k=1)
        assert report.fingerprint["task"]["template"] == template


@pytest.mark.parametrize(
    ("name", "file", "count"),
    [
        ("math500", "benchmarks/math500.jsonl", 500),
        ("gsm8k", "benchmarks/gsm8k_test.jsonl", 1319),
        ("gsm8k", "gsm8k/grade_school_math__data__test.jsonl", 1319),
        ("aime24", "still/evaluation__dataset__AIME24.jsonl", 30),
    ],
)
def test_real_files_load_without_a_warning(shared_data: Path, name: str, file: str, count: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_task(name, file=shared_data / file).problems) == count


def test_gold_answers_score_one(shared_data: Path) -> None:
    for name in ("aime24", "aime25"):
        task = load_task(f"{name}={shared_data}/benchmarks/{name}.jsonl")
        golds = {str(p.prompt): json.loads(p.ground_truth) for p in task.problems}
        assert evaluate(task, lambda prompt, golds=golds: f"\\boxed{{{golds[str(prompt)]}}}", k=1).avg == 1.0


def test_another_version_of_a_benchmark_is_noticed(tmp_path: Path, shared_data: Path) -> None:
    rows = (shared_data / "benchmarks" / "aime24.jsonl").read_text().splitlines()
    (tmp_path / "a.jsonl").write_text("\n".join([*rows[:-1], rows[-1].replace('"answer": "', '"answer": "9')]))
    with pytest.warns(UserWarning, match="not those known as aime24"):
        load_task("aime24", file=tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text("\n".join(rows[:20]))
    with pytest.warns(UserWarning) as caught:
        load_task("aime24", file=tmp_path / "b.jsonl")
    assert "30 problems, this source has 20" in str(caught[0].message)


def test_every_builtin_task_states_its_template_and_source() -> None:
    assert {"aime24", "aime25", "gsm8k", "livecodebench", "math500"} <= set(builtin_names())
    for name in builtin_names():
        spec = builtin_spec(name)
        assert spec.template in spec.templates
        assert spec.hub is not None
        assert spec.sampling.max_new_tokens == 32768
        assert all("{problem}" in text for text in spec.templates.values())


OWN = """
name = "own"
file = "own.jsonl"
k = 2
template = "polite"
[columns]
problem = "ask"
answer = "reply"
[templates]
polite = "Please: {problem}"
[sampling]
max_new_tokens = 64
"""


def test_own_task_by_toml(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    (tmp_path / "own.jsonl").write_text('{"ask": "what is {x}?", "reply": [1, 2]}\n\n{"ask": "b", "reply": "[1, 2]"}\n')
    task = load_task(tmp_path / "own.toml")
    assert prompts(task) == ["Please: what is {x}?", "Please: b"]
    assert (task.k, task.sampling.max_new_tokens, task.template) == (2, 64, "polite")
    report = evaluate(task, lambda prompt: "\\boxed{2}")
    assert [p.accuracy for p in report.problems] == [1.0, 0.0], "a list is alternatives, its text is one answer"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("k = 2", "kk = 2"), "unknown key 'kk'"),
        (("max_new_tokens", "max_new_token"), "did you mean 'max_new_tokens'"),
        (("k = 2", 'k = "2"'), "k must be int"),
        (('name = "own"\n', ""), "name"),
        (('template = "polite"', 'template = "rude"'), "has no template 'rude'"),
        (("max_new_tokens = 64", "max_new_tokens = 0"), "at least 1"),
        (('problem = "ask"', 'problem = "aks"'), "no column 'aks'"),
        (("own.jsonl", "none.jsonl"), "no problem file"),
        (("k = 2", "k = = 2"), "own.toml"),
    ],
)
def test_mistakes_in_a_toml_are_named(tmp_path: Path, edit: tuple[str, str], message: str) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace(*edit))
    (tmp_path / "own.jsonl").write_text('{"ask": "a", "reply": "1"}\n')
    with pytest.raises(TaskError, match=message):
        load_task(tmp_path / "own.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"problem": "a", "answer": "1"}\n{"problem"', "line 2"),
        ('["problem"]\n', "line 1: expected an object"),
        ('{"problem": "a"}\n', "row 0: which column is the answer"),
        ('{"problem": "a", "answer": "1", "id": 1}\n{"problem": "b", "answer": "1", "id": 1}\n', "'1' occurs twice"),
        ("", "no problems"),
        ('{"prompt": "a", "reward_model": {"ground_truth": "1"}}\n', "list of messages"),
        ('{"problem": " ", "answer": "1"}\n', "row 0: the problem is empty"),
        ('{"problem": "\udcff", "answer": "1"}\n', "line 1: .*utf-8"),
        ("[" * 100_000 + "\n", "line 1: .*recursion"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.jsonl").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(TaskError, match=message):
        load_task(tmp_path / "p.jsonl")


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(b'\xef\xbb\xbf{"problem": "a", "answer": "1"}\n')
    assert load_task(tmp_path / "p.jsonl").problems[0].prompt == [{"role": "user", "content": "a"}]


def test_an_answer_without_its_mark_is_not_taken_whole(tmp_path: Path) -> None:
    row = {"question": "a", "answer": "First 1.\nThen 2.\n"}
    (tmp_path / "p.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(TaskError, match="come after '####'"):
        load_task("gsm8k", file=tmp_path / "p.jsonl")


def test_a_row_that_cannot_be_graded_is_named_before_anything_is_drawn(tmp_path: Path) -> None:
    row = {
        "prompt": [{"role": "user", "content": "a"}],
        "reward_model": {"ground_truth": '{"inputs": ["1"], "outptus": ["1"]}'},
    }
    (tmp_path / "p.jsonl").write_text(json.dumps(row | {"id": "bad-row"}) + "\n")
    calls: list[object] = []
    with pytest.raises(TaskError, match="bad-row"):
        evaluate(load_task(tmp_path / "p.jsonl"), calls.append)
    assert not calls


def test_unknown_names_suggest_the_near_one() -> None:
    with pytest.raises(TaskError, match="did you mean 'aime24'"):
        load_task("aime-24")


def pack(tests: list[dict[str, str]]) -> str:
    """LiveCodeBench's private encoding."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def lcb_row(number: int, contest: str, tests: list[dict[str, str]], **more: Any) -> str:
    """A line of code_generation_lite."""
    row = {
        "question_title": f"T{number}",
        "question_content": f'Problem {number}, with "contest_date": "2024-09-01" in its text',
        "platform": "atcoder",
        "question_id": f"abc{number}",
        "contest_id": "abc",
        "contest_date": f"{contest}T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "public_test_cases": json.dumps(tests[:1]),
        "private_test_cases": pack(tests[1:]),
        "metadata": "{}",
    }
    return json.dumps(row | more) + "\n"


def doubling(count: int, size: int = 0) -> list[dict[str, str]]:
    """Tests of `print(2 * int(input()))`, each with so many characters of padding on a second line."""
    return [{"input": f"{n}\n{'x' * size}\n", "output": f"{2 * n}\n", "testtype": "stdin"} for n in range(count)]


@pytest.fixture
def lcb(tmp_path: Path) -> Path:
    """Two files of a release around the window."""
    folder = tmp_path / "lcb"
    folder.mkdir()
    dates = ["2024-07-31", "2024-08-01", "2024-12-24", "2025-02-01", "2025-02-02"]
    lines = [lcb_row(n, day, doubling(3)) for n, day in enumerate(dates)]
    starter = {"starter_code": "class Solution:\n    def f(self, x):", "metadata": json.dumps({"func_name": "f"})}
    call = [{"input": "[1, 2]", "output": "3", "testtype": "functional"}] * 2
    (folder / "test.jsonl").write_text("".join(lines))
    (folder / "test2.jsonl").write_text(lcb_row(9, "2024-10-01", call, **starter))
    return folder


def test_livecodebench_window_and_release(lcb: Path) -> None:
    task = load_task("livecodebench", file=lcb, release="release_v2")
    assert [p.id for p in task.problems] == ["abc1", "abc2", "abc3", "abc9"], "both ends included"
    assert "4 problems" in task.source
    assert "2024-08-01 to 2025-02-01" in task.source
    assert [p.id for p in load_task("livecodebench", file=lcb, release="release_v1").problems] == [
        "abc1",
        "abc2",
        "abc3",
    ]
    narrow = load_task("livecodebench", file=lcb, release="release_v2", window=("2024-10-01", "2024-12-24"))
    assert [p.id for p in narrow.problems] == ["abc2", "abc9"]
    assert (task.k, task.votes) == (4, False)
    assert len(file_names("release_latest")) == 6
    texts = prompts(task)
    assert "Read the inputs from stdin" in texts[0]
    assert "class Solution" in texts[3]
    for wrong, message in (
        ({"window": ("2025", "x")}, "dates"),
        ({"release": "release_v9"}, "no LiveCodeBench release"),
    ):
        with pytest.raises(TaskError, match=message):
            load_task("livecodebench", file=lcb, **wrong)  # type: ignore[arg-type]
    with pytest.raises(TaskError, match=r"lacks test3.jsonl"):
        load_task("livecodebench", file=lcb, release="release_v3")


def test_livecodebench_is_graded_from_packed_tests(lcb: Path, tmp_path: Path) -> None:
    task = load_task("livecodebench", file=lcb, release="release_v2")
    stdin = "```python\nprint(2 * int(input()))\n```"
    function = "```python\nclass Solution:\n    def f(self, x):\n        return sum(x)\n```"
    answers = {p.id: function if p.id == "abc9" else stdin for p in task.problems} | {
        "abc3": stdin.replace("2 *", "3 *")
    }
    rows = [{"id": name, "sample": i, "response": text} for name, text in answers.items() for i in range(4)]
    (tmp_path / "replay.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = evaluate(task, ReplayEngine(tmp_path / "replay.jsonl"), run_dir=tmp_path / "run", workers=2)
    assert {p.id: p.accuracy for p in report.problems} == {"abc1": 1.0, "abc2": 1.0, "abc3": 0.0, "abc9": 1.0}, (
        report.statuses
    )
    assert report.complete
    assert report.majority is None
    assert '"tests"' in (tmp_path / "run" / "samples.jsonl").read_text()


def test_tests_stay_packed_until_they_are_needed(tmp_path: Path) -> None:
    """Ten problems of 8 MB of tests each: loading holds none of it, one decoded problem is let go again."""
    file = tmp_path / "test.jsonl"
    file.write_text("".join(lcb_row(n, "2024-09-01", doubling(16, 500_000)) for n in range(10)))
    tracemalloc.start()
    task = load_task("livecodebench", file=file)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for problem in task.problems:
        assert len(problem.truth()["inputs"]) == 16
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1e6
    assert now < 2e6
    assert peak < 60e6, "two problems decoded at a time at most"


def test_task_from_rows_of_an_object() -> None:
    spec = TaskSpec(name="own", templates={"t": "{problem}!"}, template="t")
    task = task_from_rows(spec, [{"question": "a", "answer": 3}])
    assert prompts(task) == ["a!"]
    assert evaluate(task, lambda prompt: "\\boxed{3}").avg == 1.0
