"""Judge a response to a code problem: extraction, tests, verdict."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from or1_reward.code.cases import CaseError, Checker
from or1_reward.code.extract import Program, answer_part, find_program
from or1_reward.code.judging import Judging, JudgingError
from or1_reward.code.languages import PYTHON
from or1_reward.code.tasks import CodeTruth, cases_of, limits_of
from or1_reward.code_settings import CodeSettings
from or1_reward.ground_truth import StdioTruth
from or1_reward.sandbox import Sandbox, SandboxError, default_sandbox
from or1_reward.types import Limits, Status, TestResult, TestStatus, Verdict

_DEFAULT_LIMITS: Final = Limits()


def verify_code(
    response: str,
    truth: CodeTruth,
    limits: Limits = _DEFAULT_LIMITS,
    *,
    settings: CodeSettings | None = None,
    checker: Checker | None = None,
    early_stop: bool = True,
    cancel: threading.Event | None = None,
    sandbox: Sandbox | None = None,
) -> Verdict:
    """Judge the last program of a response, behind its reasoning part.

    Args:
        response: the model's text.
        truth: the problem's tests.
        limits: per test and per problem; limits of the row win over them.
        settings: how outputs are compared where the row does not say, and partial scores; None is the default.
        checker: `checker(input, expected, got) -> bool` for problems with several valid outputs.
        early_stop: end at the first test that fails; without effect where partial scores are asked for.
        cancel: when set by another thread, the verdict is `verifier_error` soon after, and nothing is left running.
        sandbox: where to run; None is the process-wide one.
    """
    if answer_part(response) is None:
        return Verdict(status=Status.TRUNCATED, detail="the reasoning was opened and never closed")
    program = find_program(response, _language_of(truth))
    if program is None:
        return Verdict(status=Status.NO_ANSWER, detail="no fenced block of code behind the reasoning part")
    options: dict[str, Any] = {"checker": checker, "early_stop": early_stop, "cancel": cancel, "sandbox": sandbox}
    return _judge(program, truth, limits, settings or CodeSettings(), **options)


def _language_of(truth: CodeTruth) -> str | None:
    """The language that a row demands; None where a program may be in any."""
    if isinstance(truth, StdioTruth):
        return truth.language or None
    return PYTHON.name


def judge_program(
    program: str | Program,
    truth: CodeTruth,
    limits: Limits = _DEFAULT_LIMITS,
    *,
    settings: CodeSettings | None = None,
    checker: Checker | None = None,
    early_stop: bool = True,
    cancel: threading.Event | None = None,
    sandbox: Sandbox | None = None,
) -> Verdict:
    """Judge a program, given as Python text or as a `Program` of any language; arguments as in `verify_code`."""
    options: dict[str, Any] = {"checker": checker, "early_stop": early_stop, "cancel": cancel, "sandbox": sandbox}
    return _judge(
        Program(program) if isinstance(program, str) else program, truth, limits, settings or CodeSettings(), **options
    )


def _judge(
    program: Program,
    truth: CodeTruth,
    limits: Limits,
    settings: CodeSettings,
    *,
    checker: Checker | None,
    early_stop: bool,
    cancel: threading.Event | None,
    sandbox: Sandbox | None,
) -> Verdict:
    started_s = time.perf_counter()
    place = sandbox or default_sandbox()
    try:
        if program.language.is_compiled and not isinstance(truth, StdioTruth):
            raise CaseError(f"rows that call functions are judged in Python, not in {program.language.name}")
        cases = cases_of(truth, checker, settings.compare, place.config.packages)
        judging = Judging(program, cases, limits_of(truth, limits), place)
        results = judging.run(early_stop=early_stop and not settings.partial_scores, cancel=cancel)
    except (CaseError, JudgingError, SandboxError) as error:
        verdict = Verdict(status=Status.VERIFIER_ERROR, detail=f"{type(error).__name__}: {error}")
    else:
        status, detail = _summary(results, len(cases))
        share = _share(results, len(cases)) if settings.partial_scores else None
        verdict = Verdict(status=status, detail=detail, tests=tuple(results), share=share)
    return dataclasses.replace(verdict, extracted=program.text, elapsed_s=time.perf_counter() - started_s)


def _share(results: Sequence[TestResult], total: int) -> float:
    return sum(result.status is TestStatus.CORRECT for result in results) / total


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
