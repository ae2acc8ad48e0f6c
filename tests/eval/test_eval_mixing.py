"""Numbers that would look right and be wrong: what must be refused, or said."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from or1_eval import (
    EvalError,
    Problem,
    ReplayEngine,
    RunFolderError,
    Sampling,
    Task,
    TaskError,
    evaluate,
    load_task,
    regrade,
)
from or1_eval.callbacks import PeriodicEval
from or1_eval.compare import compare, comparison_text
from or1_eval.progress import Progress
from or1_eval.results import load_reports
from or1_eval.runs.fingerprint import verifier_name
from or1_eval.samples import Sample
from or1_eval.warnings import Watch
from or1_reward import verify

TASK = Task(name="t", problems=tuple(Problem(id=str(n), prompt=str(n), ground_truth=str(n)) for n in range(10)))


def model(prompt: str, seed: int) -> str:
    return f"{seed} \\boxed{{{int(prompt) + seed % 2}}}"


def lenient(response: str, truth: object, *, finish_reason: str | None = None) -> bool:
    return True


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_each_step_of_a_periodic_evaluation_is_drawn_anew(tmp_path: Path) -> None:
    skill = [0]

    def policy(prompt: str, seed: int) -> str:
        return f"\\boxed{{{prompt}}}" if seed % 10 < skill[0] else "\\boxed{-1}"

    periodic = PeriodicEval(TASK, policy, every=10, k=4, run_dir=tmp_path / "run")
    assert periodic(0)["eval/t/avg@4"] == 0.0
    skill[0] = 10
    assert periodic(10)["eval/t/avg@4"] == 1.0
    assert load_reports(tmp_path / "run" / "step_000000")["t"].avg == 0.0
    assert load_reports(tmp_path / "run" / "step_000010")["t"].avg == 1.0


def test_a_run_goes_on_only_with_its_verifier(tmp_path: Path) -> None:
    evaluate(TASK, model, k=2, run_dir=tmp_path / "run", model="m")
    with pytest.raises(RunFolderError, match=r"verifier: 'or1_reward\S*verify' before, '\S*lenient@\w{8}' now"):
        evaluate(TASK, model, k=4, run_dir=tmp_path / "run", model="m", verify=lenient)
    assert evaluate(TASK, model, k=4, run_dir=tmp_path / "run", model="m").num_samples == 40


def test_an_edited_verifier_has_another_name() -> None:
    def made(text: str) -> Any:
        names: dict[str, Any] = {}
        exec(text, names)
        return names["judge"]

    one, same, other = (made(f"def judge(r, t, *, finish_reason=None):\n    return {x}") for x in ("1", "1", "0"))
    assert verifier_name(one) == verifier_name(same) != verifier_name(other)
    assert verifier_name(verify) == "or1_reward.verify.verify" or "@" not in verifier_name(verify)


def test_a_comparison_across_verifiers_says_so(tmp_path: Path) -> None:
    evaluate(TASK, model, k=4, run_dir=tmp_path / "a", model="m")
    evaluate(TASK, model, k=4, run_dir=tmp_path / "b", model="m", verify=lenient)
    assert "verifier differs" in comparison_text(compare(tmp_path / "a", tmp_path / "b"))
    regrade(tmp_path / "b")
    assert "verifier differs" not in comparison_text(compare(tmp_path / "a", tmp_path / "b"))


def test_rows_of_a_task_are_replayed_for_that_task_alone(tmp_path: Path) -> None:
    other = Task(
        name="B", problems=tuple(Problem(id=str(n), prompt=str(n), ground_truth=str(n + 100)) for n in range(10))
    )
    evaluate(TASK, lambda prompt: f"\\boxed{{{prompt}}}", k=1, run_dir=tmp_path / "run", model="m")
    evaluate(other, lambda prompt: f"\\boxed{{{int(prompt) + 100}}}", k=1, run_dir=tmp_path / "run", model="m")
    stored = ReplayEngine(tmp_path / "run" / "samples.jsonl")
    assert evaluate(TASK, stored).avg == evaluate(other, stored).avg == 1.0


def test_rows_with_id_and_the_problems_text(tmp_path: Path) -> None:
    rows = [{"id": str(n), "problem": f"What is {n}?", "response": f"\\boxed{{{n}}}"} for n in range(10)]
    assert evaluate(TASK, ReplayEngine(write_rows(tmp_path / "r.jsonl", rows))).avg == 1.0


def test_a_replay_that_matches_nothing_says_which_ids_there_are(tmp_path: Path) -> None:
    rows = [{"id": f"aime-{n}", "response": "x"} for n in range(10)]
    report = evaluate(TASK, ReplayEngine(write_rows(tmp_path / "r.jsonl", rows)))
    assert report.num_samples == 0
    assert any("'aime-0'" in text and "'0'" in text for text in report.warnings)


def test_a_stored_sample_may_not_be_there_twice(tmp_path: Path) -> None:
    rows = [{"id": "1", "sample": 0, "response": "x"}] * 2
    with pytest.raises(Exception, match="sample 0 of problem '1' occurs twice"):
        ReplayEngine(write_rows(tmp_path / "r.jsonl", rows))


def test_k_of_a_replay_is_what_the_file_has(tmp_path: Path) -> None:
    task = Task(name="t", problems=TASK.problems, k=32)
    rows = [{"id": str(n), "response": f"\\boxed{{{n}}} {s}"} for n in range(10) for s in range(2 + (n == 3))]
    engine = ReplayEngine(write_rows(tmp_path / "r.jsonl", rows))
    report = evaluate(task, engine)
    assert (report.k, report.label, report.num_missing) == (2, "avg@2", 0)
    asked = evaluate(task, engine, k=32)
    assert asked.label == "avg@2-3" and asked.num_missing == 320 - 21 and "avg@32" not in str(asked)


def test_results_of_a_folder_are_of_all_its_samples(tmp_path: Path) -> None:
    evaluate(TASK, model, k=8, run_dir=tmp_path / "run", model="m")
    before = {name: (tmp_path / "run" / name).read_text() for name in ("results.json", "results.md")}
    assert evaluate(TASK, model, k=2, run_dir=tmp_path / "run", model="m").k == 2
    assert {name: (tmp_path / "run" / name).read_text() for name in before} == before


def test_a_resumed_run_never_has_more_graded_than_drawn(tmp_path: Path) -> None:
    seen: list[Progress] = []
    evaluate(TASK, model, k=2, run_dir=tmp_path / "run", model="m")
    evaluate(TASK, model, k=3, run_dir=tmp_path / "run", model="m", on_progress=seen.append)
    assert seen and all(now.graded <= now.drawn for now in seen)


@pytest.fixture
def lcb_run(tmp_path: Path) -> Path:
    """A LiveCodeBench run made from the folder of its files, by their relative names."""
    here = tmp_path / "a"
    here.mkdir()
    tests = json.dumps([{"input": "2\n", "output": "4\n", "testtype": "stdin"}])
    packed = base64.b64encode(zlib.compress(pickle.dumps(tests))).decode()
    row = {
        "question_title": "t", "question_content": "Print 2n.", "platform": "atcoder", "question_id": "q",
        "contest_id": "c", "contest_date": "2024-10-01T00:00:00", "starter_code": "", "difficulty": "easy",
        "public_test_cases": tests, "private_test_cases": packed, "metadata": "{}",
    }  # fmt: skip
    write_rows(here / "lcb.jsonl", [row])
    write_rows(here / "rep.jsonl", [{"id": "q", "response": "```python\nprint(2*int(input()))\n```"}])
    script = str(Path(sys.executable).parent / "or1-eval")
    command = [script, "run", "livecodebench=lcb.jsonl", "--replay", "rep.jsonl", "-o", "run", "--quiet"]
    subprocess.run(command, cwd=here, check=True, capture_output=True, timeout=60)
    return here / "run"


def test_a_run_whose_tests_lie_elsewhere_is_regraded_from_anywhere(
    lcb_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = regrade(lcb_run)
    assert not found.changes and found.after["livecodebench"].avg == 1.0


@pytest.mark.parametrize("change", ["removed", "another"])
def test_a_regrade_whose_tests_are_gone_changes_nothing(lcb_run: Path, change: str) -> None:
    tests = lcb_run.parent / "lcb.jsonl"
    before = {path: path.read_bytes() for path in lcb_run.iterdir() if path.is_file()}
    if change == "removed":
        tests.unlink()
    else:
        tests.write_text(tests.read_text().replace("Print 2n.", "Print 3n, please."))
        from or1_eval.tasks.livecodebench import hash_of

        hash_of.cache_clear()
    with pytest.raises(TaskError, match="which is not there" if change == "removed" else "has changed"):
        regrade(lcb_run)
    assert {path: path.read_bytes() for path in lcb_run.iterdir() if path.is_file()} == before
    assert not [*(lcb_run / "regrades").glob("*")]


def test_a_short_context_is_not_taken_for_the_limit() -> None:
    def said(num_tokens: int) -> str:
        watch = Watch(max_new_tokens=32768, temperature=1.0)
        for n in range(20):
            watch.see(
                Sample(problem_id=str(n), index=0, seed=n, text=f"{n}", finish_reason="length", num_tokens=num_tokens)
            )
        return watch.warnings()["cut"]

    assert "after about 400 tokens" in said(400) and "context length" in said(400)
    assert "cut off at 32768 tokens" in said(32768) and "cut off at 32768 tokens" in said(-1)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [({"temperature": float("nan")}, "temperature"), ({"top_p": 0}, "top_p"), ({"min_p": 2}, "min_p"),
     ({"repetition_penalty": 0}, "repetition_penalty"), ({"presence_penalty": 3}, "presence_penalty"),
     ({"stop": ("",)}, "stop"), ({"stop": "abc"}, "stop"), ({"top_k": -2}, "top_k")],
)  # fmt: skip
def test_sampling_that_means_nothing_is_refused(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**kwargs)


@pytest.mark.parametrize("returned", [None, float("nan"), 0.5, "yes", [1, 0]])
def test_a_verifier_that_returns_no_verdict_is_an_error_and_neither_right_nor_wrong(returned: Any) -> None:
    report = evaluate(TASK, model, k=1, verify=lambda *_, **__: returned)
    assert report.statuses == {"verifier_error": 10} and report.num_verifier_errors == 10


def test_a_verifier_may_return_numbers_of_numpy() -> None:
    assert evaluate(TASK, model, k=1, verify=lambda *_, **__: np.float64(1)).avg == 1.0
    assert evaluate(TASK, model, k=1, verify=lambda *_, **__: np.bool_(False)).avg == 0.0


def test_a_stored_response_that_is_null_is_a_missing_sample(tmp_path: Path) -> None:
    rows = [{"id": str(n), "response": None if n == 3 else f"\\boxed{{{n}}}"} for n in range(10)]
    report = evaluate(TASK, ReplayEngine(write_rows(tmp_path / "r.jsonl", rows)))
    assert (report.num_missing, report.avg) == (1, 1.0)
    assert any("response is null" in warning for warning in report.warnings)


def test_numbers_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="every"):
        PeriodicEval(TASK, model, every=0)
    with pytest.raises(EvalError, match="workers"):
        evaluate(TASK, model, workers=0)
    evaluate(TASK, model, k=2, run_dir=tmp_path)
    for confidence in (0.0, 1.0, 95.0):
        with pytest.raises(EvalError, match="confidence"):
            compare(tmp_path, tmp_path, confidence=confidence)


@pytest.mark.parametrize("limit", [-1, 0])
def test_a_limit_is_a_number_of_problems(tmp_path: Path, limit: int) -> None:
    path = write_rows(tmp_path / "x.jsonl", [{"problem": "q", "answer": "4"}] * 3)
    with pytest.raises(TaskError, match="limit must be at least 1"):
        load_task(path, limit=limit)
    assert len(load_task(path, limit=2).problems) == 2


def test_a_template_must_ask_the_problem(tmp_path: Path) -> None:
    write_rows(tmp_path / "x.jsonl", [{"question": "2+2?", "answer": "4"}])
    (tmp_path / "t.toml").write_text('name="t"\nfile="x.jsonl"\ntemplate="boxed"\n[templates]\nboxed="Answer it."\n')
    with pytest.raises(TaskError, match=r"template 'boxed' has no \{problem\}"):
        load_task(tmp_path / "t.toml")


def test_a_list_in_a_toml_holds_what_it_must(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('name="t"\nfile="x.jsonl"\n[sampling]\nstop=[1, 2]\n')
    with pytest.raises(TaskError, match=r"stop\[0\] must be str"):
        load_task(tmp_path / "t.toml")


def test_a_file_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "x.jsonl", [{"id": "a", "problem": "2+2?", "answer": "4"}])
    task = load_task(f"aime26x={path}")
    assert (task.name, task.template, task.problems[0].prompt) == (
        "aime26x", "as given", [{"role": "user", "content": "2+2?"}],
    )  # fmt: skip
    boxed = load_task(f"aime26x={path}", template="step-by-step")
    assert boxed.problems[0].prompt[0]["content"].startswith("2+2? Let's think step by step")  # type: ignore[index]


def test_a_null_answer_is_named(tmp_path: Path) -> None:
    rows = [{"question": "2+2?", "answer": "4"}, {"question": "3+3?", "answer": None}]
    with pytest.raises(TaskError, match=r"row 1: the answer is null"):
        load_task(write_rows(tmp_path / "x.jsonl", rows))
