"""The words every verifier speaks: `Status`, `Verdict`, `TestResult`, `Limits`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Why a response got its reward; the closed list of the verdict format."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    TRUNCATED = "truncated"
    UNPARSABLE = "unparsable"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    RUNTIME_ERROR = "runtime_error"
    SYNTAX_ERROR = "syntax_error"
    VERIFIER_ERROR = "verifier_error"


class TestStatus(StrEnum):
    """How one test of a code problem ended: finer than a verdict, each exceeded limit by its own name."""

    __test__ = False  # pytest: not a test class

    CORRECT = "correct"
    WRONG = "wrong"
    RUNTIME_ERROR = "runtime_error"
    SYNTAX_ERROR = "syntax_error"
    TIME_LIMIT = "time_limit"
    CPU_LIMIT = "cpu_limit"
    PROBLEM_LIMIT = "problem_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    DISK_LIMIT = "disk_limit"
    PROCESS_LIMIT = "process_limit"
    OPEN_FILE_LIMIT = "open_file_limit"

    @property
    def verdict(self) -> Status:
        """The verdict's status from its closed list: three kinds of time are one, other resources are errors."""
        if self in (TestStatus.CPU_LIMIT, TestStatus.PROBLEM_LIMIT):
            return Status.TIME_LIMIT
        return Status(self.value) if self.value in list(Status) else Status.RUNTIME_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one verdict may cost; for code, everything but `problem_time_s` is per test.

    `time_s` bounds the wall clock and, unless `cpu_time_s` says otherwise, the CPU time of a test.
    """

    time_s: float = 6.0
    memory_mb: int = 1024
    cpu_time_s: float | None = None
    problem_time_s: float = 300.0
    output_mb: int = 32
    processes: int = 64
    open_files: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test of a code problem, shortened for people.

    `limit` names the setting that was exceeded, if one ended the test: wall, cpu, problem, memory, output, disk,
    processes, open_files.
    """

    __test__ = False  # pytest: not a test class

    status: TestStatus
    elapsed_s: float
    cpu_s: float = 0.0
    memory_mb: float = 0.0
    input: str = ""
    expected: str = ""
    got: str = ""
    stderr: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verifier says of one response.

    `reward` is 1.0 or 0.0, and None only for `verifier_error`: a failure of the grader is never a wrong answer
    and stays out of every baseline. `extracted` is the answer or program that was judged, `detail` says in words
    what was taken from where and what was proved. `share` is the part of a code problem's tests that passed, set only
    where partial scores were asked for: it is then the reward.
    """

    status: Status
    extracted: str | None = None
    detail: str = ""
    elapsed_s: float = 0.0
    tests: tuple[TestResult, ...] = ()
    share: float | None = None

    @property
    def reward(self) -> float | None:
        """None for a verifier error; the share of tests passed where it was asked for; else 1.0 for correct, or 0.0."""
        if self.status is Status.VERIFIER_ERROR:
            return None
        if self.share is not None:
            return self.share
        return 1.0 if self.status is Status.CORRECT else 0.0
