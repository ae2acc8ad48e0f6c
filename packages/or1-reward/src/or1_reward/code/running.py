"""Run a program once, on one input, without judging it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from or1_reward.code.compiling import COMPILE_LIMITS, compiler_of, demand_layers
from or1_reward.code.extract import Program
from or1_reward.code.judging import JudgingError, Setbacks, jail_limits
from or1_reward.code.verdict import was_killed_from_outside
from or1_reward.sandbox import Sandbox
from or1_reward.sandbox.worker import JailReport, JailTest, Worker, WorkerLostError
from or1_reward.types import Limits


@dataclass(frozen=True, slots=True)
class Ran:
    """What came out: the compiler's report, where there was one, and the program's, where it was compiled."""

    compiled: JailReport | None
    ran: JailReport | None


def run_program(
    program: Program, given: bytes, limits: Limits, sandbox: Sandbox, cancel: threading.Event | None = None
) -> Ran:
    """Run a program with `given` on its standard input.

    Raises:
        CaseError: this host has no compiler for its language.
        JudgingError: it was killed from outside again and again, or `cancel` was set.
        SandboxError: no sandbox on this host as required.
    """
    setbacks = Setbacks(limits)
    while True:
        try:
            with sandbox.worker() as worker:
                found = _run_on(worker, program, given, limits, sandbox, cancel)
            if found is not None:
                return found
        except WorkerLostError as error:
            if not setbacks.may_try_again():
                raise JudgingError(f"the sandbox lost its process: {error}") from error
            continue
        if not setbacks.may_try_again():
            raise JudgingError("the program was killed from outside of the sandbox")


def _run_on(
    worker: Worker, program: Program, given: bytes, limits: Limits, sandbox: Sandbox, cancel: threading.Event | None
) -> Ran | None:
    """One attempt; None where somebody killed a process of it."""
    disk_mb = sandbox.config.disk_mb
    worker.set_program(program.text.encode("utf-8", "replace"))
    compiled = None
    if program.language.is_compiled:
        demand_layers(worker, program.language)
        compiler = compiler_of(program.language)
        compiled = _answered(worker, compiler.compile(worker, jail_limits(COMPILE_LIMITS, disk_mb), cancel))
        if compiled.exit_code != 0 or compiled.stopped:
            return Ran(compiled, None)
    mode = "native" if program.language.is_compiled else "stdio"
    worker.submit(JailTest(mode=mode, blobs=(given,), limits=jail_limits(limits, disk_mb), wall_s=limits.time_s))
    report = _answered(worker, worker.report(limits.time_s, cancel))
    return None if was_killed_from_outside(report, limits) else Ran(compiled, report)


def _answered(worker: Worker, report: JailReport | None) -> JailReport:
    if report is None:
        worker.cancel()
        raise JudgingError("cancelled")
    return report
