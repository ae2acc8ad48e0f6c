"""The task files of further benchmarks, on the rows that there are and on rows of their schemas."""

from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path

import pytest

from or1_eval import TaskError, evaluate, load_task
from or1_eval.tasks import builtin_names
from or1_eval.tasks.spec import builtin_spec

ROWS = {
    "hmmt_feb25": ("hmmt_feb_2025", 30), "amc23": ("amc23", 40), "olympiadbench": ("olympiadbench", 675),
    "minerva": ("minerva_math", 272),
}  # fmt: skip


def test_every_task_states_license_and_what_was_never_run() -> None:
    assert {"aime26", "hmmt_feb25", "hmmt_nov25", "beyondaime", "amc23", "olympiadbench", "minerva"} <= {
        *builtin_names()
    }
    assert {"livecodebench_v6", "humanevalplus", "mbppplus", "gpqa_diamond"} <= {*builtin_names()}
    for name in builtin_names():
        spec = builtin_spec(name)
        assert spec.description and spec.license and "never" in spec.note, name


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_the_benchmark_load_and_their_answers_are_right(shared_data: Path, name: str) -> None:
    file, count = ROWS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = load_task(name, file=shared_data / "benchmarks" / f"{file}.jsonl")
    assert len(task.problems) == count and task.problems[0].prompt[-1]["content"].endswith("\\boxed{}.")  # type: ignore[index]
    some = load_task(name, file=shared_data / "benchmarks" / f"{file}.jsonl", limit=30)
    golds = {str(p.prompt): p.ground_truth for p in some.problems}

    def gold(prompt: object) -> str:
        text = golds[str(prompt)]
        return f"\\boxed{{{json.loads(text) if isinstance(text, str) else text}}}"

    assert evaluate(some, gold, k=1, workers=2).avg == 1.0


def humaneval(shared_data: Path, tmp_path: Path) -> Path:
    with gzip.open(shared_data / "humaneval" / "data__HumanEval.jsonl.gz", "rt") as rows:
        path = tmp_path / "he.jsonl"
        path.write_text(rows.read())
    return path


def test_canonical_solutions_of_humaneval_are_right_and_broken_ones_wrong(shared_data: Path, tmp_path: Path) -> None:
    path = humaneval(shared_data, tmp_path)
    task = load_task("humanevalplus", file=path)
    assert len(task.problems) == 164 and task.problems[0].id == "HumanEval/0"
    rows = {row["task_id"]: row for row in map(json.loads, path.read_text().splitlines())}
    heads = {str(p.prompt): rows[p.id] for p in task.problems}
    chosen = load_task("humanevalplus", file=path)
    some = [p for n, p in enumerate(chosen.problems) if n % 8 == 0 or p.id in ("HumanEval/32", "HumanEval/38")]
    from dataclasses import replace

    few = replace(chosen, problems=tuple(some))

    def canonical(prompt: object) -> str:
        row = heads[str(prompt)]
        head = row["prompt"][row["prompt"].rindex(f"def {row['entry_point']}(") :]  # without imports and helpers
        return f"```python\n{head}{row['canonical_solution']}\n```"

    report = evaluate(few, canonical, k=1, workers=2)
    assert report.avg == 1.0, [p.id for p in report.problems if not p.num_correct]
    broken = evaluate(few, lambda p: canonical(p).replace("return ", "return not "), k=1, workers=2)
    assert broken.avg < 0.2


MBPP = {
    "task_id": 2,
    "prompt": "Write a function to find the shared elements from the given two lists.",
    "code": "def similar_elements(test_tup1, test_tup2):\n  return tuple(set(test_tup1) & set(test_tup2))",
    "test_imports": [],
    "test_list": ["assert set(similar_elements((3, 4, 5, 6),(5, 7, 4, 10))) == set((4, 5))"],
    "test": "inputs = [[(3, 4, 5, 6), (5, 7, 4, 10)], [(1, 2), (3,)]]\nresults = [(4, 5), ()]\n"
    "def assertion(out, exp):\n    assert set(out) == set(exp)\n"
    "for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion(similar_elements(*inp), exp)\n",
}


def test_a_row_of_mbppplus(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(MBPP) + "\n")
    with pytest.warns(UserWarning, match="378 problems, this source has 1"):
        task = load_task("mbppplus", file=path)
    assert "assert set(similar_elements" in task.problems[0].prompt[-1]["content"]  # type: ignore[index]
    assert evaluate(task, lambda p: f"```python\n{MBPP['code']}\n```", k=1).avg == 1.0
    assert evaluate(task, lambda p: "```python\ndef similar_elements(a, b):\n    return (4, 5)\n```", k=1).avg == 0.0
    path.write_text(json.dumps(MBPP | {"test": None}) + "\n")
    with pytest.raises(TaskError, match="row 0: no test"):
        load_task("mbppplus", file=path)


def test_choices_have_one_order_and_the_right_letter(tmp_path: Path) -> None:
    rows = [
        {
            "Question": f"Which is {n}?",
            "Correct Answer": f"{n}",
            **{f"Incorrect Answer {i}": f"{n + i}" for i in (1, 2, 3)},
        }
        for n in range(40)
    ]
    path = tmp_path / "g.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.warns(UserWarning):
        task = load_task("gpqa_diamond", file=path)
        again = load_task("gpqa_diamond", file=path)
    assert task == again
    letters = []
    for n, problem in enumerate(task.problems):
        text = problem.prompt[-1]["content"]  # type: ignore[index]
        letters.append(json.loads(problem.ground_truth))
        assert f"\n{letters[-1]}) {n}\n" in text and text.count(") ") == 4
    assert set(letters) == set("ABCD"), "the right one stands anywhere"
    key = dict(zip((str(p.prompt) for p in task.problems), letters, strict=True))
    assert evaluate(task, lambda p: f"It is \\boxed{{{key[str(p)]}}}", k=1).avg == 1.0
    assert evaluate(task, lambda p: f"It is \\boxed{{{'BCDA'['ABCD'.index(key[str(p)])]}}}", k=1).avg == 0.0
