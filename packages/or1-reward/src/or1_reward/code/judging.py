"""Run a program against its cases in a borrowed worker, two tests in flight, and put the results together."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from or1_reward.code.cases import Case
from or1_reward.code.verdict import cpu_limit_s, result_of, was_killed_from_outside
from or1_reward.sandbox.pool import Sandbox
from or1_reward.sandbox.worker import JailReport, JailTest, Worker, WorkerLostError
from or1_reward.types import Limits, TestResult, TestStatus

_IN_FLIGHT: Final = 2  # the jail starts on the next test while this process compares the last
_ATTEMPTS: Final = 6
_MOST_ATTEMPTS: Final = 30
_PATIENCE_S, _PATIENCE_LIMITS = 60.0, 20.0  # seconds, or times the limit of a test
_RESERVED_MB: Final = 512  # address space beyond the memory limit: interpreter, thread stacks that are only reserved


class JudgingError(Exception):
    """The tests could not be run to their end through no fault of the program; says why."""


class Judging:
    """One program's way through its cases."""

    def __init__(self, source: bytes, cases: Sequence[Case], limits: Limits, sandbox: Sandbox) -> None:
        self.source = source
        self.cases = cases
        self.limits = limits
        self.sandbox = sandbox
        self.results: list[TestResult] = []
        self.cut_short: set[int] = set()  # tests that only had what was left of the problem's time
        self.setbacks = Setbacks(limits)
        self.used_s = 0.0

    def run(self, *, early_stop: bool, cancel: threading.Event | None) -> list[TestResult]:
        """Results in the order of the cases; up to the first failure with `early_stop`.

        Raises:
            JudgingError: the sandbox's processes were killed again and again, or `cancel` was set.
            SandboxError: no sandbox on this host as required.
        """
        while not self._is_done(early_stop):
            try:
                with self.sandbox.worker() as worker:
                    self._run_on(worker, early_stop, cancel)
            except WorkerLostError as error:
                if not self.setbacks.may_try_again():
                    raise JudgingError(f"the sandbox lost its process: {error} ({self._where()})") from error
        return self.results

    def _is_done(self, early_stop: bool) -> bool:
        failed = early_stop and bool(self.results) and self.results[-1].status is not TestStatus.CORRECT
        return failed or len(self.results) == len(self.cases)

    def _where(self) -> str:
        return f"test {len(self.results) + 1}, attempt {self.setbacks.count}"

    def _run_on(self, worker: Worker, early_stop: bool, cancel: threading.Event | None) -> None:
        """Keep two tests in flight until done; leaves the worker idle."""
        worker.set_program(self.source)
        submitted = len(self.results)
        while not self._is_done(early_stop):
            while submitted < len(self.cases) and worker.pending < _IN_FLIGHT:
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
                self._take(report)
        worker.cancel()

    def _after_a_kill(self, report: JailReport) -> JailReport | None:
        """None to run the test again; in the end the report itself, if want of memory explains the kills."""
        self.setbacks.peaks_mb.append(report.peak_mb)
        if self.setbacks.may_try_again():
            return None
        if min(self.setbacks.peaks_mb) > self.limits.memory_mb / 2:
            return dataclasses.replace(report, stopped="memory")
        raise JudgingError(f"the program was killed from outside of the sandbox ({self._where()})")

    def _take(self, report: JailReport) -> None:
        number = len(self.results)
        self.results.append(result_of(self.cases[number], report, self.limits, last_s=number in self.cut_short))
        self.setbacks = Setbacks(self.limits)
        self.used_s += report.own_s

    def _test(self, number: int) -> JailTest:
        limits, case = self.limits, self.cases[number]
        left_s = limits.problem_time_s - self.used_s
        wall_s = max(0.01, min(limits.time_s, left_s))
        if left_s < limits.time_s:
            self.cut_short.add(number)
        wanted: dict[str, Any] = {
            "cpu_s": math.ceil(cpu_limit_s(limits)),
            "address_space_mb": limits.memory_mb + _RESERVED_MB,
            "memory_mb": limits.memory_mb,
            "output_mb": limits.output_mb,
            "disk_mb": self.sandbox.config.disk_mb,
            "open_files": limits.open_files,
            "processes": limits.processes,
        }
        return JailTest(mode=case.mode, blobs=case.blobs(), limits=wanted, wall_s=wall_s)


class Setbacks:
    """Attempts at one test that came to nothing because somebody killed a process of ours."""

    def __init__(self, limits: Limits) -> None:
        self.count = 0
        self.peaks_mb: list[float] = []
        self._patience_s = max(_PATIENCE_S, _PATIENCE_LIMITS * limits.time_s)
        self._started_s = time.monotonic()

    def may_try_again(self) -> bool:
        """A few attempts in any case, many while they do not take long: under fire the next one may get through."""
        self.count += 1
        spent_s = time.monotonic() - self._started_s
        return self.count < _ATTEMPTS or (self.count < _MOST_ATTEMPTS and spent_s < self._patience_s)
