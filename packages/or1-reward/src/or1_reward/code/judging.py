"""Run a program against its cases in a borrowed worker, two tests in flight, and put the results together."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from or1_reward.code.cases import Case
from or1_reward.code.verdict import cpu_limit_s, result_of, was_killed_from_outside
from or1_reward.sandbox.pool import Sandbox
from or1_reward.sandbox.worker import JailTest, Worker, WorkerLostError
from or1_reward.types import Limits, TestResult, TestStatus

_IN_FLIGHT: Final = 2  # the jail starts on the next test while this process compares the last
_ATTEMPTS: Final = 6
_KILL_RETRIES: Final = 4
_KILLED_FACTOR: Final = 2.0
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
        self.attempts, self.kills, self.killed_s = 0, 0, 0.0
        self.deadline_s = time.monotonic() + limits.problem_time_s

    def run(self, *, early_stop: bool, cancel: threading.Event | None) -> list[TestResult]:
        """Results in the order of the cases; up to the first failure with `early_stop`.

        Raises:
            JudgingError: workers were lost again and again, or `cancel` was set.
            SandboxError: no sandbox on this host as required.
        """
        while not self._is_done(early_stop):
            try:
                with self.sandbox.worker() as worker:
                    self._run_on(worker, early_stop, cancel)
            except WorkerLostError as error:
                self._count_attempt(f"the sandbox lost its process: {error}")
        return self.results

    def _is_done(self, early_stop: bool) -> bool:
        failed = early_stop and bool(self.results) and self.results[-1].status is not TestStatus.CORRECT
        return failed or len(self.results) == len(self.cases)

    def _count_attempt(self, why: str) -> None:
        self.attempts += 1
        if self.attempts >= _ATTEMPTS:
            raise JudgingError(f"{why} (test {len(self.results) + 1}, attempt {self.attempts})")

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
            if was_killed_from_outside(report, self.limits) and self._may_retry(report.wall_s):
                worker.cancel()
                submitted = len(self.results)
                continue
            number = len(self.results)
            self._take(result_of(self.cases[number], report, self.limits, last_s=number in self.cut_short))
        worker.cancel()

    def _may_retry(self, spent_s: float) -> bool:
        """Whether a SIGKILL from nowhere gets another run: a few, and not for long, since a program can kill itself."""
        self.kills += 1
        self.killed_s += spent_s
        return self.kills <= _KILL_RETRIES and self.killed_s < _KILLED_FACTOR * self.limits.time_s

    def _take(self, result: TestResult) -> None:
        self.attempts, self.kills, self.killed_s = 0, 0, 0.0
        self.results.append(result)

    def _test(self, number: int) -> JailTest:
        limits, case = self.limits, self.cases[number]
        left_s = self.deadline_s - time.monotonic()
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
