"""From a jail's report to a test's result: which limit was exceeded, how the program ended, what it answered."""

from __future__ import annotations

import errno
import signal
from typing import Any, Final

from or1_reward.code.cases import Case, Outcome
from or1_reward.sandbox.inside import safe_json
from or1_reward.sandbox.worker import JailReport
from or1_reward.types import Limits, TestResult, TestStatus

_SHOWN: Final = 400
_SYNTAX_EXIT: Final = 92
_CPU_SLACK_S: Final = 0.05
_SAID_BYTES: Final = 1 << 16
_BAD_ALLOC: Final = b"std::bad_alloc"  # the C++ library's last words where memory is refused
_EXCEEDED: Final = {
    "wall": TestStatus.TIME_LIMIT,
    "problem": TestStatus.PROBLEM_LIMIT,
    "cpu": TestStatus.CPU_LIMIT,
    "memory": TestStatus.MEMORY_LIMIT,
    "output": TestStatus.OUTPUT_LIMIT,
    "disk": TestStatus.DISK_LIMIT,
    "processes": TestStatus.PROCESS_LIMIT,
    "open_files": TestStatus.OPEN_FILE_LIMIT,
}
_ERRNO_LIMIT: Final = {
    errno.EMFILE: "open_files",
    errno.ENFILE: "open_files",
    errno.ENOSPC: "disk",
    errno.EFBIG: "output",
    errno.EAGAIN: "processes",
}


def shortened(text: str) -> str:
    """At most about 400 characters, the beginning and the end; lone surrogates are replaced."""
    text = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return (
        text
        if len(text) <= _SHOWN
        else f"{text[: _SHOWN // 2]} ... [{len(text)} characters] ... {text[-_SHOWN // 4 :]}"
    )


def was_killed_from_outside(report: JailReport, limits: Limits) -> bool:
    """SIGKILL that no limit of ours explains: no program can send it to itself, so it is nothing of the program's."""
    killed = not report.stopped and report.exit_code == -signal.SIGKILL and report.cpu_s < cpu_limit_s(limits)
    return killed or (not report.judge_stopped and report.judge_status == signal.SIGKILL)


def cpu_limit_s(limits: Limits) -> float:
    """CPU seconds of one test."""
    return limits.time_s if limits.cpu_time_s is None else limits.cpu_time_s


def result_of(case: Case, report: JailReport, limits: Limits, *, last_s: bool = False) -> TestResult:
    """One test's result; with `last_s` it only had what was left of the problem's time.

    Raises:
        CaseError: the row's own checks are at fault.
    """
    status, limit, said = _ended(report, limits)
    if limit == "wall" and last_s:
        status, limit, said = TestStatus.PROBLEM_LIMIT, "problem", "stopped: the problem's time is over"
    outcome = Outcome(False, report.stdout.decode("utf-8", "replace") if case.mode == "stdio" else "", said)
    if status is None:
        outcome = case.decide(report)
        status = TestStatus.CORRECT if outcome.passed else TestStatus.WRONG
    stderr = report.stderr.decode("utf-8", "replace") or outcome.note
    return described(case, report, status, outcome.got, stderr, limit)


def described(
    case: Case, report: JailReport, status: TestStatus, got: str, stderr: str = "", limit: str = ""
) -> TestResult:
    """A result with its texts shortened for people."""
    given, expected = case.shown
    return TestResult(
        status=status,
        elapsed_s=report.wall_s,
        cpu_s=report.cpu_s,
        memory_mb=round(report.peak_mb, 1),
        input=shortened(given),
        expected=shortened(expected),
        got=shortened(got),
        stderr=shortened(stderr),
        limit=limit,
    )


def _ended(report: JailReport, limits: Limits) -> tuple[TestStatus | None, str, str]:
    """(status, exceeded limit, words) of a program that did not get to answer; status None when it did."""
    if report.stopped in _EXCEEDED:
        return _EXCEEDED[report.stopped], report.stopped, f"stopped: over the {report.stopped} limit"
    if report.judge_stopped == "wall":
        return TestStatus.TIME_LIMIT, "wall", "stopped: over the wall limit"
    if report.judge_stopped == "memory":
        return TestStatus.MEMORY_LIMIT, "memory", "the checks ran out of memory over what the program returned"
    code = report.exit_code if report.stopped != "judged" else 0
    over_cpu = report.cpu_s > cpu_limit_s(limits) + _CPU_SLACK_S
    if over_cpu or code == -signal.SIGXCPU:
        return TestStatus.CPU_LIMIT, "cpu", "stopped: over the cpu limit"
    if report.peak_mb > limits.memory_mb:
        return TestStatus.MEMORY_LIMIT, "memory", f"used {report.peak_mb:.0f} MB"
    if code == 0:
        return None, "", ""
    if code == -signal.SIGABRT and _BAD_ALLOC in report.stderr:
        return TestStatus.MEMORY_LIMIT, "memory", "std::bad_alloc"
    return _failed(code, _said(report))


def _said(report: JailReport) -> dict[str, Any]:
    """The program's own word about its end: good for naming a failure, never for passing."""
    try:
        said = safe_json.loads(report.result, _SAID_BYTES)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _failed(code: int, said: dict[str, Any]) -> tuple[TestStatus, str, str]:
    name, message, number = str(said.get("error", "")), str(said.get("message", ""))[:_SHOWN], said.get("errno")
    if code == _SYNTAX_EXIT:
        return TestStatus.SYNTAX_ERROR, "", f"{name}: {message}"
    if name == "MemoryError":
        return TestStatus.MEMORY_LIMIT, "memory", "MemoryError"
    limit = _ERRNO_LIMIT.get(number, "") if isinstance(number, int) else ""
    if "can't start new thread" in message:
        limit = "processes"
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    status = _EXCEEDED.get(limit, TestStatus.RUNTIME_ERROR)
    return status, limit, f"{name}: {message} ({how})" if name else how
