"""Every maths verdict is bounded: repeated tokens, nested sums, odd input; no exception, no second of CPU time."""

from __future__ import annotations

import gc
import importlib.util
import random
import time
from pathlib import Path

import pytest

import or1_reward
from or1_reward import Limits, MathTruth, Status, Verdict
from or1_reward.maths.budget import Budget, BudgetError, limited, spend

_SPEC = importlib.util.spec_from_file_location(
    "maths_fuzz", Path(__file__).resolve().parents[2] / "benchmarks" / "maths_fuzz.py"
)
assert _SPEC and _SPEC.loader
fuzz = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz)
MOST_CPU_S = 1.0
PAIRS = [(text, text) for text in fuzz.BUILT_IN]


def judged(response: object, gold: str = r"\frac{1}{2}") -> tuple[Verdict, float]:
    """A verdict and the CPU time of this thread that it took.

    Garbage is not collected meanwhile: in a process of the whole suite that takes a third of a second.
    """
    gc.disable()
    try:
        started = time.thread_time()
        verdict = or1_reward.verify(response, MathTruth((gold,)))  # type: ignore[arg-type]
        return verdict, time.thread_time() - started
    finally:
        gc.enable()


@pytest.mark.parametrize("seed", range(6))
def test_a_short_fuzz(seed: int) -> None:
    """60 mutated answers and 60 responses of repeated tokens up to 100 kB; the benchmark runs hundreds of thousands."""
    chosen = random.Random(seed)
    for _ in range(60):
        answer, gold = chosen.choice(PAIRS)
        for text in (fuzz.mutated(answer, PAIRS, chosen), fuzz.repeated(answer, chosen), fuzz.nested(answer, chosen)):
            verdict, cpu_s = judged(text, gold)
            assert verdict.status is not Status.VERIFIER_ERROR, (text[:200], verdict.detail)
            assert cpu_s < MOST_CPU_S, (text[:200], cpu_s)


@pytest.mark.parametrize(
    "token", [r"\(", r"\[ ", r"\begin{align}", "<answer>", r"\boxed{", "the answer is ", "\n", "\x0c", "1", "(", "$ "]
)
def test_extraction_is_linear(token: str) -> None:
    """Four times the text takes nowhere near sixteen times as long."""
    times = []
    for size in (15_000, 60_000):
        verdict, cpu_s = judged(token * (size // len(token)))
        assert verdict.reward == 0.0
        times.append(cpu_s)
    assert times[1] < 10 * times[0] + 0.3, times  # seconds more where a loop in a loop comes back


@pytest.mark.parametrize(
    "answer",
    [
        r"\sum_{a=1}^{400}\sum_{b=1}^{400}\sum_{c=1}^{400} \frac{1}{a+b+c}",
        r"\sum_{a=1}^{\infty}\sum_{b=1}^{\infty}\sum_{c=1}^{\infty} \frac{1}{4^{a+b+c}(a+b)}",
        r"\prod_{i=1}^{300}\prod_{j=1}^{300}\prod_{k=1}^{300} (1 + \frac{1}{i+j+k})",
        "\\sin(" * 60 + "x" + ")" * 60,
        "+".join(f"10^{{4{n}}}" for n in range(100, 900)),
        "|" * 38 + "x" + "|" * 38,
        "".join([r"\sqrt{" * 40, r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "}" * 40]),
        r"\begin{pmatrix}1&x\\3&4\end{pmatrix}" * 40,  # 2^40 nodes, if it were written out
        r"\begin{vmatrix}" * 30 + "x" + r"&1&1&1\\1&2&1&1\\1&1&3&1\\1&1&1&4\end{vmatrix}" * 30,
        r"\log_2 x_" * 44,  # each step of the evaluation takes 0.2 ms
    ],
)
@pytest.mark.parametrize("gold", ["5", r"\frac{2x-7}{(x+1)(x-2)}"])
def test_nested_work_is_bounded(answer: str, gold: str) -> None:
    verdict, cpu_s = judged(f"\\boxed{{{answer}}}", gold)
    assert verdict.reward == 0.0
    assert cpu_s < MOST_CPU_S


@pytest.mark.parametrize(
    "response", [None, 5, b"\\boxed{1}", [], "", "\x00", "\ud800\\boxed{1}\udfff", "\\boxed{\ud800}"]
)
def test_whatever_the_response_nothing_is_raised(response: object) -> None:
    verdict, _ = judged(response, "2")
    assert verdict.reward == 0.0
    (verdict.extracted or "").encode()  # what is extracted can be written to a file


def test_a_defect_of_ours_is_a_verifier_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("k")

    monkeypatch.setattr("or1_reward.maths.verify._against", broken)
    verdict, _ = judged("\\boxed{1}", "2")
    assert verdict.status is Status.VERIFIER_ERROR and "KeyError" in verdict.detail


def test_limits_lower_the_time_of_a_verdict() -> None:
    heavy = r"\boxed{\sum_{a=1}^{300}\sum_{b=1}^{300} \frac{1}{a+b}}"
    short = or1_reward.verify(heavy, MathTruth(("5",)), limits=Limits(time_s=0.01))
    assert short.status is Status.TIME_LIMIT and "CPU time" in short.detail


def test_a_budget_ends_work_by_steps_and_by_time() -> None:
    with limited(60.0) as budget:
        with pytest.raises(BudgetError, match="evaluations"):
            while True:
                spend(100)
        assert budget.steps < 0
    with limited(0.0), pytest.raises(BudgetError, match="CPU time"):
        while True:
            spend(100)
    spend(10**9)  # outside of a verdict there is no budget
    assert Budget(1.0).steps > 0
