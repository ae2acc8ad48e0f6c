"""Judge a response to a code problem: extraction, tests, verdict."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from or1_reward.code.cases import CaseError, Checker
from or1_reward.code.extract import extract_program
from or1_reward.code.judging import Judging, JudgingError
from or1_reward.code.tasks import CodeTruth, cases_of
from or1_reward.sandbox import Sandbox, SandboxError, default_sandbox
from or1_reward.types import Limits, Status, TestResult, TestStatus, Verdict

_DEFAULT_LIMITS: Final = Limits()


def verify_code(
    response: str,
    truth: CodeTruth,
    limits: Limits = _DEFAULT_LIMITS,
    *,
    checker: Checker | None = None,
    early_stop: bool = True,
    cancel: threading.Event | None = None,
    sandbox: Sandbox | None = None,
) -> Verdict:
    """Judge the last Python block after the reasoning part of a response.

    Args:
        response: the model's text.
        truth: the problem's tests.
        limits: per test and per problem.
        checker: `checker(input, expected, got) -> bool` for problems with several valid outputs.
        early_stop: end at the first test that fails.
        cancel: when set by another thread, the verdict is `verifier_error` soon after, and nothing is left running.
        sandbox: where to run; None is the process-wide one.
    """
    program = extract_program(response)
    if program is None:
        return Verdict(status=Status.NO_ANSWER, detail="no fenced Python block after the reasoning part")
    return judge_program(program, truth, limits, checker=checker, early_stop=early_stop, cancel=cancel, sandbox=sandbox)


def judge_program(
    program: str,
    truth: CodeTruth,
    limits: Limits = _DEFAULT_LIMITS,
    *,
    checker: Checker | None = None,
    early_stop: bool = True,
    cancel: threading.Event | None = None,
    sandbox: Sandbox | None = None,
) -> Verdict:
    """Judge a program; arguments as in `verify_code`."""
    started_s = time.perf_counter()
    try:
        cases = cases_of(truth, checker)
        judging = Judging(program.encode("utf-8", "replace"), cases, limits, sandbox or default_sandbox())
        results = judging.run(early_stop=early_stop, cancel=cancel)
    except (CaseError, JudgingError, SandboxError) as error:
        detail = f"{type(error).__name__}: {error}"
        return Verdict(
            status=Status.VERIFIER_ERROR, extracted=program, detail=detail, elapsed_s=time.perf_counter() - started_s
        )
    status, detail = _summary(results, len(cases))
    return Verdict(
        status=status, extracted=program, detail=detail, elapsed_s=time.perf_counter() - started_s, tests=tuple(results)
    )


def _summary(results: Sequence[TestResult], total: int) -> tuple[Status, str]:
    """The verdict is the first failure's status."""
    failed = next((number for number, result in enumerate(results, 1) if result.status is not TestStatus.CORRECT), None)
    if failed is None:
        return Status.CORRECT, f"{total} of {total} tests passed"
    result = results[failed - 1]
    parts = [f"test {failed} of {total}: {result.status.value}"]
    parts += [f"input: {result.input}", f"expected: {result.expected}", f"got: {result.got}"]
    parts += [f"stderr: {result.stderr}"] if result.stderr else []
    parts.append(f"{result.elapsed_s:.3f} s, {result.memory_mb:.0f} MB")
    return result.status.verdict, "\n".join(parts)
