"""SandboxFusion's `run_code` and `submit`, so that trainers which call that service can call this one.

Requests and answers have the fields of bytedance/SandboxFusion (scripts/client/src/sandbox_fusion/models.py). Of its
languages there are those of this host; `submit` judges the tests in `config.provided_data` (streams, as its CommonOJ
data sets have them, or a ground truth of ours), since there are no data sets here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from or1_reward.code import verify_code
from or1_reward.code.cases import CaseError, to_bytes
from or1_reward.code.extract import Program, find_program
from or1_reward.code.judging import JudgingError
from or1_reward.code.languages import LANGUAGES, Language
from or1_reward.code.running import Ran, run_program
from or1_reward.code.tasks import CodeTruth
from or1_reward.ground_truth import MathTruth, StdioTruth, parse_ground_truth
from or1_reward.sandbox import Sandbox, SandboxError
from or1_reward.sandbox.worker import JailReport
from or1_reward.serve.wire import RequestError
from or1_reward.types import Limits, Status, TestResult, TestStatus, Verdict

_LANGUAGES: Final = {language.name: language for language in LANGUAGES}
_DEFAULT_S, _DEFAULT_MB, _LONGEST_S = 10.0, 1024, 600.0


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A program to run."""

    code: str
    language: str
    given: str
    limits: Limits
    files: bool

    @classmethod
    def from_body(cls, body: Any) -> RunRequest:
        """Read the body of `run_code`; RequestError for what is none."""
        if not isinstance(body, Mapping) or not isinstance(body.get("code"), str):
            raise RequestError("the body needs code (text) and language")
        given, files = body.get("stdin") or "", body.get("files") or body.get("fetch_files")
        if not isinstance(given, str):
            raise RequestError("stdin must be text")
        limits = _limits(body.get("run_timeout"), body.get("memory_limit_MB"))
        return cls(body["code"], str(body.get("language", "python")), given, limits, bool(files))

    def answer(self, sandbox: Sandbox, cancel: threading.Event) -> dict[str, Any]:
        """The body of the answer; a failure of ours has the status SandboxError."""
        language = _LANGUAGES.get(self.language)
        if language is None:
            return _failure(f"language {self.language!r} is not run here; there are {', '.join(_LANGUAGES)}")
        if self.files:
            return _failure("files and fetch_files are not supported")
        try:
            ran = run_program(Program(self.code, language), to_bytes(self.given), self.limits, sandbox, cancel)
        except (CaseError, JudgingError, SandboxError) as error:
            return _failure(f"{type(error).__name__}: {error}")
        return _run_answer(ran)


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """A completion to judge."""

    problem_id: Any
    completion: str
    truth: CodeTruth
    language: Language | None
    limits: Limits

    @classmethod
    def from_body(cls, body: Any) -> SubmitRequest:
        """Read the body of `submit`; RequestError for what is none, GroundTruthError for tests that are none."""
        config = body.get("config") if isinstance(body, Mapping) else None
        if not isinstance(config, Mapping) or not isinstance(body.get("completion"), str):
            raise RequestError("the body needs completion (text) and config (an object)")
        data = config.get("provided_data")
        if not isinstance(data, Mapping):
            raise RequestError("config.provided_data must hold the tests of the problem: this server has no data sets")
        language = _LANGUAGES.get(str(config.get("language") or ""))
        if config.get("language") and language is None:
            raise RequestError(f"language {config['language']!r} is not judged here; there are {list(_LANGUAGES)}")
        limits = _limits(config.get("run_timeout"), None)
        return cls(body.get("id"), body["completion"], _truth(data, language), language, limits)

    def answer(self, sandbox: Sandbox, cancel: threading.Event) -> dict[str, Any]:
        """The body of the answer: accepted or not, and each test."""
        verdict = verify_code(
            self.completion, self.truth, self.limits, early_stop=False, cancel=cancel, sandbox=sandbox
        )
        program = find_program(self.completion, self.language.name if self.language else None)
        return {
            "id": self.problem_id,
            "accepted": verdict.status is Status.CORRECT,
            "extracted_code": "" if program is None else program.text,
            "full_code": verdict.extracted,
            "test_code": None,
            "tests": [_test_answer(test) for test in verdict.tests],
            "extracted_type": "empty" if program is None else "fenced",
            "extra": {"status": verdict.status.value, "detail": _shown_detail(verdict)},
        }


def _limits(time_s: Any, memory_mb: Any) -> Limits:
    seconds = _DEFAULT_S if time_s is None else time_s
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_S:
        raise RequestError(f"run_timeout must be a number of seconds up to {_LONGEST_S:.0f}, not {seconds!r}")
    memory = _DEFAULT_MB if memory_mb in (None, -1) else memory_mb
    if isinstance(memory, bool) or not isinstance(memory, int) or not 0 < memory < 1 << 20:
        raise RequestError(f"memory_limit_MB must be a positive integer or -1, not {memory_mb!r}")
    return Limits(time_s=float(seconds), memory_mb=memory)


def _truth(data: Mapping[str, Any], language: Language | None) -> CodeTruth:
    """Tests as CommonOJ has them (`test`: a list of {"input": {"stdin"}, "output": {"stdout"}}), or a ground truth."""
    tests = data.get("test")
    if tests is None:
        truth = parse_ground_truth(data)
        if isinstance(truth, MathTruth):
            raise RequestError("config.provided_data holds no tests of a program")
        return truth
    try:
        rows = json.loads(tests) if isinstance(tests, str) else tests
        pairs = [(str(row["input"]["stdin"]), str(row["output"]["stdout"])) for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestError(f"config.provided_data.test is no list of stdin and stdout ({error!r})") from error
    inputs, outputs = zip(*pairs, strict=True) if pairs else ((), ())
    return StdioTruth(inputs, outputs, language=language.name if language else "")


def _failure(message: str) -> dict[str, Any]:
    return {
        "status": "SandboxError", "message": message, "compile_result": None, "run_result": None,
        "executor_pod_name": None, "files": {},
    }  # fmt: skip


def _run_answer(ran: Ran) -> dict[str, Any]:
    compiled = None if ran.compiled is None else _command(ran.compiled)
    run = None if ran.ran is None else _command(ran.ran)
    parts = [part for part in (compiled, run) if part is not None]
    is_fine = all(part["status"] == "Finished" and part["return_code"] == 0 for part in parts)
    status = {"status": "Success" if is_fine else "Failed", "message": ""}
    return status | {"compile_result": compiled, "run_result": run, "executor_pod_name": None, "files": {}}


def _command(report: JailReport) -> dict[str, Any]:
    late = report.stopped in {"wall", "cpu", "problem"}
    return {
        "status": "TimeLimitExceeded" if late else "Finished",
        "execution_time": report.wall_s,
        "return_code": None if late else report.exit_code or (1 if report.stopped else 0),
        "stdout": report.stdout.decode("utf-8", "replace"),
        "stderr": report.stderr.decode("utf-8", "replace"),
    }


def _test_answer(test: TestResult) -> dict[str, Any]:
    """One test; its texts are shortened."""
    late = test.status in (TestStatus.TIME_LIMIT, TestStatus.CPU_LIMIT, TestStatus.PROBLEM_LIMIT)
    ended = test.status in (TestStatus.CORRECT, TestStatus.WRONG)
    run = {
        "status": "TimeLimitExceeded" if late else "Finished",
        "execution_time": test.elapsed_s,
        "return_code": None if late else 0 if ended else 1,
        "stdout": test.got,
        "stderr": test.stderr,
    }
    info = {"status": "Success" if ended else "Failed", "message": "", "compile_result": None, "run_result": run}
    return {
        "passed": test.status is TestStatus.CORRECT,
        "exec_info": info | {"executor_pod_name": None, "files": {}},
        "test_info": {"input": {"stdin": test.input}, "output": {"stdout": test.expected}},
    }


def _shown_detail(verdict: Verdict) -> str:
    return verdict.detail[:2000]
