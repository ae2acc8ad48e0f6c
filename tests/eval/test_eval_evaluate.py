"""`evaluate` over engines of every shape, its numbers, warnings, progress, files and command line."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_eval import Completion, EngineError, Problem, Report, Sampling, Task, evaluate
from or1_eval.callbacks import PeriodicEval, metrics
from or1_eval.progress import Counter, Progress
from or1_eval.report import build_report
from or1_eval.samples import Sample, sample_from_row, sample_row
from or1_eval.seeds import sample_seed
from or1_eval.warnings import Watch
from or1_reward import Status, Verdict

TASK = Task(
    name="sums",
    problems=tuple(Problem(id=f"s{n}", prompt=f"{n}+{n}?", ground_truth=str(2 * n)) for n in range(10)),
    sampling=Sampling(max_new_tokens=50),
    k=4,
)


def reply(prompt: str, seed: int) -> str:
    """Right two times in three, by the seed."""
    n = int(prompt.split("+", maxsplit=1)[0])
    return f"\\boxed{{{2 * n + random.Random(seed).choice([0, 0, 1])}}}"


@dataclass
class GroupEngine:
    """The pinned `generate`; reports only some groups as it goes, as one rank of a fleet does."""

    calls: int = 0
    seen: tuple[int, ...] = ()

    def generate(
        self,
        prompts: Sequence[Any],
        params: Any,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: Callable[[int, list[Any]], None] | None = None,
    ) -> list[list[Completion]]:
        assert seeds is not None
        assert all(len(row) == params.n for row in seeds)
        self.calls += 1
        self.seen = (*self.seen, params.n)
        out = []
        for index, (prompt, row) in enumerate(zip(prompts, seeds, strict=True)):
            group = [
                Completion(text=reply(prompt, seed), finish_reason="stop", token_ids=tuple(range(seed % 5 + 1)))
                for seed in row
            ]
            if on_group is not None and index % 2:
                on_group(index, group)
            out.append(group)
        return out


def slow_average(k: int, seed: int = 0) -> float:
    """avg@k without any of the machinery."""
    right = 0
    for problem in TASK.problems:
        for i in range(k):
            text = reply(str(problem.prompt), sample_seed(seed, "sums", problem.id, i))
            right += text == f"\\boxed{{{problem.ground_truth}}}"
    return right / (k * len(TASK.problems))


def test_all_engine_shapes_give_the_same_number() -> None:
    async def slowly(prompt: str, seed: int) -> str:
        return reply(prompt, seed)

    found = [evaluate(TASK, engine) for engine in (GroupEngine(), reply, slowly)]
    assert [report.avg for report in found] == [pytest.approx(slow_average(4))] * 3
    assert found[0].problems[0].rewards == found[1].problems[0].rewards == found[2].problems[0].rewards


def test_a_group_engine_is_called_once_with_all_prompts() -> None:
    engine = GroupEngine()
    report = evaluate(TASK, engine, k=8)
    assert (engine.calls, engine.seen) == (1, (8,))
    assert report.num_samples == 80
    lengths = [sample_seed(0, "sums", p.id, i) % 5 + 1 for p in TASK.problems for i in range(8)]
    assert report.mean_tokens == pytest.approx(sum(lengths) / 80)


def test_tokens_and_a_bound_on_the_time_are_shown_before_the_first_sample_has_ended() -> None:
    class Telling(GroupEngine):
        def generate(self, *arguments: Any, on_tokens: Callable[[int], None], **more: Any) -> Any:
            for _ in range(3):
                time.sleep(0.11)  # reports of tokens are a tenth of a second apart
                on_tokens(40)
            return super().generate(*arguments, **more)

    seen: list[Progress] = []
    report = evaluate(TASK, Telling(), on_progress=seen.append)
    early = [progress for progress in seen if progress.drawn == 0]
    assert [progress.tokens_here for progress in early] == [40, 80, 120]
    assert "80 tokens, " in str(early[1]) and "at most" in early[1].left
    assert seen[-1].tokens_here == 120, "tokens of samples are not counted twice"
    assert report.num_samples == 40


def test_seeds_are_of_run_task_problem_and_sample_alone() -> None:
    assert (
        len(
            {
                sample_seed(*key)
                for key in [(0, "a", "p", 0), (1, "a", "p", 0), (0, "b", "p", 0), (0, "a", "q", 0), (0, "a", "p", 1)]
            }
        )
        == 5
    )
    assert sample_seed(0, "aime24", "aime24-0", 0) == sample_seed(0, "aime24", "aime24-0", 0) < 2**31
    first, second = evaluate(TASK, GroupEngine(), k=4), evaluate(TASK, GroupEngine(), k=8)
    assert [p.rewards for p in first.problems] == [p.rewards[:4] for p in second.problems], (
        "more samples, same first ones"
    )
    other = evaluate(TASK, GroupEngine(), sampling=Sampling(seed=1))
    assert [p.rewards for p in other.problems] != [p.rewards for p in first.problems]


def test_an_engine_that_gives_fewer_samples_is_refused() -> None:
    class Short(GroupEngine):
        def generate(self, *arguments: Any, **more: Any) -> Any:
            return [group[:-1] for group in super().generate(*arguments, **more | {"on_group": None})]

    with pytest.raises(EngineError, match=r"3 completions .* 4 were asked for"):
        evaluate(TASK, Short())
    with pytest.raises(EngineError, match="not an engine"):
        evaluate(TASK, object())


def test_nothing_is_written_without_a_run_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evaluate(TASK, reply)
    assert not list(tmp_path.iterdir())


def test_a_failing_verifier_is_no_wrong_answer() -> None:
    def broken(response: str, truth: object, *, finish_reason: str | None = None) -> bool:
        if truth == "0":
            raise OSError("pool died")
        return f"{{{truth}}}" in response

    report = evaluate(TASK, reply, verify=broken)
    assert report.num_verifier_errors == 4
    assert not report.complete
    assert math.isnan(report.problems[0].accuracy)
    expected = evaluate(TASK, reply)
    assert report.avg == pytest.approx(sum(p.accuracy for p in expected.problems[1:]) / 9)
    assert any("pool died" in text for text in report.warnings)


def test_grading_overlaps_generation() -> None:
    """Samples are judged while later ones are still being drawn."""
    graded_while_drawing = threading.Event()

    def judging(response: str, truth: object, *, finish_reason: str | None = None) -> bool:
        graded_while_drawing.set()
        return True

    def drawing(prompt: str) -> str:
        if prompt == "9+9?":
            assert graded_while_drawing.wait(10), "nothing was judged before the last sample was drawn"
        return "x"

    assert evaluate(TASK, drawing, verify=judging, k=1).avg == 1.0


def test_progress_counts_and_predicts() -> None:
    seen: list[Progress] = []
    evaluate(TASK, reply, on_progress=seen.append)
    assert seen[-1].drawn == seen[-1].graded == seen[-1].total == 40
    assert seen[-1].correct == round(40 * slow_average(4))
    half = Progress(
        task="t", total=40, drawn=20, graded=10, correct=5, drawn_here=10, tokens_here=1000, elapsed_s=5.0,
        max_new_tokens=100,
    )  # fmt: skip
    assert str(half) == "t  20/40 drawn, 10 graded, 50.0% right so far, 1,000 tokens, 200 tokens/s, about 10 s left"


def test_before_enough_samples_have_ended_only_the_longest_time_is_said() -> None:
    early = Progress(
        task="t", total=960, drawn=1, graded=0, correct=0, drawn_here=1, tokens_here=20_000, elapsed_s=10.0,
        max_new_tokens=1000,
    )  # fmt: skip
    assert early.left == "at most 8 min left", "959 samples of 1,000 tokens at 2,000 a second"
    assert replace(early, tokens_here=0).left == ""
    assert replace(early, drawn=48, drawn_here=48).left == f"about {912 * 10 / 48 / 60:.0f} min left"


def test_tokens_count_while_responses_are_drawn_and_once_only() -> None:
    told: list[Progress] = []
    counter = Counter("t", 10, 100, told.append)
    counter.add_tokens(7)
    assert told[-1].tokens_here == 7 and told[-1].drawn == 0
    counter.add_sample(7)
    assert told[-1].tokens_here == 7 and told[-1].drawn == 1
    whole = Counter("t", 10, 100, None)
    whole.add_sample(5)
    whole.add_sample(-1)
    assert (whole.now().tokens_here, whole.now().drawn) == (5, 2)


def test_report_numbers_by_hand() -> None:
    task = Task(name="t", problems=tuple(Problem(id=i, prompt="", ground_truth="1") for i in "ab"), k=2)
    rows = [("a", 0, Status.CORRECT, "1", 10), ("a", 1, Status.WRONG, "2", 20), ("b", 0, Status.TRUNCATED, None, 30)]
    samples = [
        Sample(
            problem_id=p, index=i, seed=0, text="", finish_reason="length" if s is Status.TRUNCATED else "stop",
            num_tokens=n, verdict=Verdict(status=s, extracted=x),
        )
        for p, i, s, x, n in rows
    ]  # fmt: skip
    report = build_report(task, reversed(samples), 2)
    assert (report.avg, report.num_samples, report.num_missing, report.complete) == (0.25, 3, 1, False)
    assert report.mean_tokens == 20
    assert report.truncated_rate == pytest.approx(1 / 3)
    assert list(report.pass_at) == [1], "pass@2 cannot be said: one problem has one sample"
    assert report.majority is not None
    assert report.majority.value == 0.25
    assert math.isnan(report.sampling_error)


SIGNS: dict[str, tuple[Callable[[int], str], str, dict[str, Any]]] = {
    "cut": (lambda i: "on and on", "length", {}),
    "went on": (lambda i: "\\boxed{4} " + "and then " * 50, "length", {}),
    "marks": (lambda i: "\\boxed{4}<|im_end|>\n<|im_start|>user", "stop", {}),
    "open": (lambda i: f"<think> hm {i}", "stop", {}),
    "no think": (lambda i: f"\\boxed{{{i}}}", "stop", {"expects_thinking": True}),
    "empty": (lambda i: "", "stop", {}),
    "repeats": (lambda i: "\\boxed{4}", "stop", {}),
}


@pytest.mark.parametrize("sign", SIGNS)
def test_trouble_is_told_early(sign: str) -> None:
    text, reason, settings = SIGNS[sign]
    watch = Watch(max_new_tokens=50, temperature=1.0, **settings)
    for i in range(20):
        watch.see(Sample(problem_id=str(i // 4), index=i % 4, seed=i, text=text(i), finish_reason=reason))
    assert sign in watch.warnings()


def test_no_alarm_for_a_sound_run() -> None:
    watch = Watch(max_new_tokens=50, temperature=1.0, expects_thinking=True)
    for i in range(40):
        text = f"<think>step {i}</think> so \\boxed{{4}}"
        verdict = Verdict(status=Status.CORRECT, extracted="4")
        watch.see(Sample(problem_id=str(i // 4), index=i % 4, seed=i, text=text, finish_reason="stop", verdict=verdict))
    assert watch.warnings() == {}


def test_warnings_come_while_the_run_goes_on() -> None:
    heard_at: list[int] = []
    count = 0

    def cut(prompt: str) -> Completion:
        nonlocal count
        count += 1
        time.sleep(0.002)
        return Completion(text="never ends", finish_reason="length")

    report = evaluate(TASK, cut, k=8, on_warning=lambda text: heard_at.append(count))
    assert heard_at[0] < 60 < count
    assert any("cut off at 50 tokens" in text for text in report.warnings)


@given(
    st.builds(
        Sample,
        problem_id=st.text(),
        index=st.integers(0, 99),
        seed=st.integers(0, 2**31),
        text=st.text(st.characters()),
        finish_reason=st.sampled_from(["stop", "length"]),
        token_ids=st.lists(st.integers(0, 2**20)).map(tuple),
        num_tokens=st.integers(-1, 99),
        verdict=st.none()
        | st.builds(Verdict, status=st.sampled_from(Status), extracted=st.none() | st.text(), detail=st.text()),
    )
)
def test_samples_survive_storage(sample: Sample) -> None:
    assert sample_from_row(json.loads(json.dumps(sample_row(sample)))) == sample


def test_files_of_a_run(tmp_path: Path) -> None:
    task = Task(name="<odd>", problems=(Problem(id="<a&b>", prompt="x<y", ground_truth="2"), TASK.problems[1]), k=3)
    report = evaluate(task, lambda prompt: "</pre><script>alert(1)</script> \\boxed{2}", run_dir=tmp_path / "r", k=3)
    results = json.loads((tmp_path / "r" / "results.json").read_text())
    assert results["tasks"]["<odd>"]["avg"] == report.avg
    assert "nan" not in (tmp_path / "r" / "results.json").read_text().lower().replace("finance", "")
    assert "| <odd> | 100.0 (k=3) |" in (tmp_path / "r" / "results.md").read_text()


def test_periodic_evaluation() -> None:
    level = [1]

    def policy(prompt: str) -> str:
        return f"\\boxed{{{2 * int(prompt.split('+', maxsplit=1)[0]) * level[0]}}}"

    reports: list[tuple[int, Report]] = []
    periodic = PeriodicEval(TASK, policy, every=5, k=2, on_report=lambda step, report: reports.append((step, report)))
    found = {}
    for step in range(11):
        level[0] = 1 if step >= 10 else 3
        found[step] = periodic(step)
    assert [step for step, row in found.items() if row] == [0, 5, 10] == [step for step, _ in reports]
    assert found[10]["eval/sums/avg@2"] == 1.0 > found[5]["eval/sums/avg@2"] == 0.1
    assert metrics(reports[0][1])["eval/sums/pass@2"] == 0.1


def run_cli(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line."""
    script = str(Path(sys.executable).parent / "or1-eval")
    return subprocess.run([script, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60)


def test_command_line_from_run_to_compare(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(
        "".join(json.dumps({"problem": f"{n}", "answer": str(n)}) + "\n" for n in range(6))
    )
    (tmp_path / "m.py").write_text(
        "def good(prompt):\n    return '\\\\boxed{%s}' % prompt[-1]['content']\n"
        "def bad(prompt, seed):\n    return '\\\\boxed{%d}' % (seed % 3)\n"
        "def lenient(response, truth, *, finish_reason=None):\n    return True\n"
    )
    for name in ("good", "bad"):
        done = run_cli("run", "p.jsonl", "--function", f"m:{name}", "-k", "4", "-o", name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "avg@k" in done.stdout
    assert (
        "100.0 (k=4)" in run_cli("run", "p.jsonl", "--function", "m:good", "-k", "4", "-o", "good", cwd=tmp_path).stdout
    )
    compared = run_cli("compare", "bad", "good", "--json", cwd=tmp_path)
    assert json.loads(compared.stdout)[0]["result"]["difference"] > 0.3
    assert "95% interval" in run_cli("compare", "bad", "good", cwd=tmp_path).stdout
    regraded = run_cli("regrade", "bad", "--verifier", "m:lenient", cwd=tmp_path)
    assert "wrong -> correct" in regraded.stdout
    assert json.loads((tmp_path / "bad" / "results.json").read_text())["tasks"]["p"]["avg"] == 1.0
    dry = run_cli("run", "p.jsonl", "--function", "m:good", "--dry-run", "-k", "3", cwd=tmp_path)
    assert json.loads(dry.stdout)["k"] == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "aime-24", "--replay", "x"), 1, "did you mean 'aime24'"),
        (("run", "p.jsonl"), 2, "required"),
        (("run", "nothing.jsonl", "--function", "m:f"), 1, "no problem file nothing.jsonl"),
        (("regrade", "nothing"), 1, "not a run folder"),
        (("compare", "nothing", "nothing"), 1, "not a run folder"),
        (("run", "p.jsonl", "--function", "m"), 1, "MODULE:NAME"),
        (("run", "p.jsonl", "--model", "nowhere"), 1, "not a model folder"),
        (("run", "p.jsonl", "--function", "math:sqrt", "-k", "0"), 1, "k must be at least 1"),
        (("run", "p.jsonl", "--function", "math:sqrt", "--temperature", "-1"), 1, "temperature"),
    ],
)
def test_command_line_mistakes(tmp_path: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    (tmp_path / "p.jsonl").write_text('{"problem": "1", "answer": "1"}\n')
    done = run_cli(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
