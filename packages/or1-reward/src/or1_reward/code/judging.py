"""Run a program against its cases in a borrowed worker, two tests in flight, and put the results together."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from or1_reward.code.cases import Case, StdioCase
from or1_reward.code.compiling import COMPILE_LIMITS, Compiler, compiler_of, demand_layers
from or1_reward.code.extract import Program
from or1_reward.code.row_code import CancelledError, KilledError, RowCode
from or1_reward.code.verdict import cpu_limit_s, described, result_of, was_killed_from_outside
from or1_reward.sandbox.pool import Sandbox
from or1_reward.sandbox.worker import JailReport, JailTest, Worker, WorkerLostError
from or1_reward.types import Limits, TestResult, TestStatus

_IN_FLIGHT: Final = 2  # the jail starts on the next test while this process compares the last
_ATTEMPTS: Final = 6
_MOST_ATTEMPTS: Final = 30
_PATIENCE_S, _PATIENCE_LIMITS = 60.0, 20.0  # seconds, or times the limit of a test
_RESERVED_MB: Final = 512  # address space beyond the memory limit: interpreter, thread stacks that are only reserved
_ROW_CODE_LIMITS: Final = Limits()
_NO_REPORT: Final = JailReport(
    stopped="", status=0, wall_s=0.0, own_s=0.0, cpu_s=0.0, peak_mb=0.0, stdout=b"", stderr=b"", result=b"",
    judged=b"", judge_stopped="", judge_status=0,
)  # fmt: skip


class JudgingError(Exception):
    """The tests could not be run to their end through no fault of the program; says why."""


class Judging:
    """One program's way through its cases."""

    def __init__(self, program: Program, cases: Sequence[Case], limits: Limits, sandbox: Sandbox) -> None:
        self.program = program
        self.source = program.text.encode("utf-8", "replace")
        self.cases = cases
        self.limits = limits
        self.sandbox = sandbox
        self.results: list[TestResult] = []
        self.cut_short: set[int] = set()  # tests that only had what was left of the problem's time
        self.setbacks = Setbacks(limits)
        self.is_prefix_sound = False
        self.compiler = compiler_of(program.language) if program.language.is_compiled else None
        self.used_s = 0.0

    def run(self, *, early_stop: bool, cancel: threading.Event | None) -> list[TestResult]:
        """Results in the order of the cases; up to the first failure with `early_stop`.

        Raises:
            JudgingError: the sandbox's processes were killed again and again, or `cancel` was set.
            CaseError: the row's own code is at fault.
            SandboxError: no sandbox on this host as required.
        """
        while not self._is_done(early_stop):
            try:
                with self.sandbox.worker() as worker:
                    self._run_on(worker, early_stop, cancel)
            except WorkerLostError as error:
                self._after_a_loss(error)
            except CancelledError as error:
                raise JudgingError("cancelled") from error
            except KilledError as error:
                if not self.setbacks.may_try_again():
                    raise JudgingError(f"the row's own code was killed ({self._where()})") from error
        return self.results

    def _is_done(self, early_stop: bool) -> bool:
        failed = early_stop and bool(self.results) and self.results[-1].status is not TestStatus.CORRECT
        return failed or len(self.results) == len(self.cases)

    def _where(self) -> str:
        return f"test {len(self.results) + 1}, attempt {self.setbacks.count}"

    def _run_on(self, worker: Worker, early_stop: bool, cancel: threading.Event | None) -> None:
        """Keep two tests in flight until done; leaves the worker idle."""
        worker.set_program(self.source)
        if self.compiler is not None and not self._compile(worker, self.compiler, cancel):
            return
        submitted = len(self.results)
        while not self._is_done(early_stop):
            while submitted < len(self.cases) and worker.pending < self._most_in_flight(submitted):
                worker.submit(self._test(submitted))
                submitted += 1
            report = worker.report(self.limits.time_s, cancel)
            if report is None:
                worker.cancel()
                raise JudgingError("cancelled")
            if was_killed_from_outside(report, self.limits):
                worker.cancel()
                submitted = len(self.results)
                report = self._after_a_kill(report)
            if report is not None:
                self._take(report, worker, cancel)
                submitted = max(submitted if worker.pending else 0, len(self.results))
        worker.cancel()

    def _compile(self, worker: Worker, compiler: Compiler, cancel: threading.Event | None) -> bool:
        """Compile the program; where that fails, every test fails with what the compiler said."""
        demand_layers(worker, self.program.language)
        report = compiler.compile(worker, self._jail_limits(COMPILE_LIMITS), cancel)
        if report is None:
            worker.cancel()
            raise JudgingError("cancelled")
        if was_killed_from_outside(report, COMPILE_LIMITS):
            raise KilledError
        if report.exit_code == 0 and not report.stopped:
            return True
        said = report.stderr.decode("utf-8", "replace") or f"the compiler exceeded its {report.stopped} limit"
        self.results += [
            described(case, report, TestStatus.SYNTAX_ERROR, "", said) for case in self.cases[len(self.results) :]
        ]
        return False

    def _most_in_flight(self, number: int) -> int:
        """A row's checker runs on the same worker behind each test."""
        case = self.cases[number]
        return 1 if isinstance(case, StdioCase) and case.checker_program else _IN_FLIGHT

    def _after_a_kill(self, report: JailReport) -> JailReport | None:
        """None to run the test again; in the end the report itself, if want of memory explains the kills."""
        self.setbacks.peaks_mb.append(report.peak_mb)
        if self.setbacks.may_try_again():
            return None
        if min(self.setbacks.peaks_mb) > self.limits.memory_mb / 2:
            return dataclasses.replace(report, stopped="memory")
        raise JudgingError(f"the program was killed from outside of the sandbox ({self._where()})")

    def _after_a_loss(self, error: WorkerLostError) -> None:
        """Nothing, to run the test again, after a SIGKILL many times.

        Processes of ours that end otherwise may end because of the program: it is run on fresh ones once, and when they
        are lost too while an empty program finds them well, the test is failed. No program can make itself a failure of
        the grader like that, nor cost more than that one restart.
        """
        if error.was_killed:
            if self.setbacks.may_try_again():
                return
            raise JudgingError(f"the sandbox lost its process: {error} ({self._where()})") from error
        self.setbacks.crashes += 1
        if self.setbacks.crashes < _MOST_CRASHES:
            return
        if not self._is_sandbox_well():
            raise JudgingError(f"the sandbox lost its process: {error} ({self._where()})") from error
        case = self.cases[len(self.results)]
        self._add(described(case, _NO_REPORT, TestStatus.RUNTIME_ERROR, "", f"the program ends its jail: {error}"))

    def _is_sandbox_well(self) -> bool:
        """Whether an empty program runs to its end."""
        try:
            with self.sandbox.worker() as worker:
                worker.set_program(b"")
                worker.submit(JailTest(mode="stdio", blobs=(b"",), limits=self._jail_limits(self.limits), wall_s=5.0))
                report = worker.report(5.0)
                return report is not None and report.exit_code == 0
        except WorkerLostError:
            return False

    def _take(self, report: JailReport, worker: Worker, cancel: threading.Event | None) -> None:
        number = len(self.results)
        case = self.cases[number]
        result = result_of(case, report, self.limits, last_s=number in self.cut_short)
        if result.status is TestStatus.RUNTIME_ERROR and case.row_prefix and not self.is_prefix_sound:
            worker.cancel()
            self._row_code(worker, cancel).demand_prefix(case.row_prefix)
            self.is_prefix_sound = True
        if isinstance(case, StdioCase) and case.checker_program and _has_answered(result):
            outcome = self._row_code(worker, cancel).checked(case, report.stdout)
            status = TestStatus.CORRECT if outcome.passed else TestStatus.WRONG
            result = described(case, report, status, outcome.got, result.stderr or outcome.note)
        self.used_s += report.own_s
        self._add(result)

    def _row_code(self, worker: Worker, cancel: threading.Event | None) -> RowCode:
        limits = self._jail_limits(_ROW_CODE_LIMITS)
        return RowCode(worker, limits, _ROW_CODE_LIMITS.time_s, cancel)

    def _add(self, result: TestResult) -> None:
        self.results.append(result)
        self.setbacks = Setbacks(self.limits)

    def _test(self, number: int) -> JailTest:
        limits, case = self.limits, self.cases[number]
        left_s = limits.problem_time_s - self.used_s
        wall_s = max(0.01, min(limits.time_s, left_s))
        if left_s < limits.time_s:
            self.cut_short.add(number)
        mode = "native" if self.compiler is not None else case.mode
        return JailTest(mode=mode, blobs=case.blobs(), limits=self._jail_limits(limits), wall_s=wall_s)

    def _jail_limits(self, limits: Limits) -> dict[str, Any]:
        return jail_limits(limits, self.sandbox.config.disk_mb)


def jail_limits(limits: Limits, disk_mb: int) -> dict[str, Any]:
    """The limits of one test as the jail takes them."""
    return {
        "cpu_s": math.ceil(cpu_limit_s(limits)),
        "address_space_mb": limits.memory_mb + _RESERVED_MB,
        "memory_mb": limits.memory_mb,
        "output_mb": limits.output_mb,
        "disk_mb": disk_mb,
        "open_files": limits.open_files,
        "processes": limits.processes,
    }


def _has_answered(result: TestResult) -> bool:
    return result.status in (TestStatus.CORRECT, TestStatus.WRONG)


_MOST_CRASHES: Final = 2


class Setbacks:
    """Attempts at one test that came to nothing because somebody killed a process of ours, or because it crashed."""

    def __init__(self, limits: Limits) -> None:
        self.count = 0
        self.crashes = 0
        self.peaks_mb: list[float] = []
        self._patience_s = max(_PATIENCE_S, _PATIENCE_LIMITS * limits.time_s)
        self._started_s = time.monotonic()

    def may_try_again(self) -> bool:
        """A few attempts in any case, many while they do not take long: under fire the next one may get through."""
        self.count += 1
        spent_s = time.monotonic() - self._started_s
        return self.count < _ATTEMPTS or (self.count < _MOST_ATTEMPTS and spent_s < self._patience_s)
