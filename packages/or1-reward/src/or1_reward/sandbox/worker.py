"""A worker: one keeper process as the grading process sees it.

The keeper is started by exec, never by fork of the caller's state, so a worker can be made in any thread, under
asyncio, in a daemonic process, or in one that holds a CUDA context.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import folders
from .config import SandboxConfig, package_paths
from .keeper.clock import STARVED_FACTOR
from .keeper.frames import receive_frame, send_frame
from .keeper.jail import START_LIMIT_S, clean_environment
from .layers import SandboxError, demand

_BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from keeper.main import main; main(sys.argv[1:])"
_PATIENCE_S = 30.0
_CLOSE_S = 5.0
_SOON_S = 0.5
_CANCEL_POLL_S = 0.05


class WorkerLostError(SandboxError):
    """The keeper died or fell silent: our failure, not the program's; another worker may do better.

    `was_killed`: by SIGKILL, which no program can send; without it the program itself may be what our processes fail on.
    """

    def __init__(self, message: str, *, was_killed: bool = True) -> None:
        super().__init__(message)
        self.was_killed = was_killed


@dataclass(frozen=True, slots=True, kw_only=True)
class JailTest:
    """One test as the jail gets it.

    `blobs`: stdio [stdin]; call [spec]; check [candidate spec, checks, judge spec]; prefix [source]; checker [source,
    spec, texts]; compile [spec], which turns the program into a compiled one; native [stdin].
    """

    mode: str
    blobs: tuple[bytes, ...]
    limits: dict[str, Any]
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JailReport:
    """What came out: `stopped` is the limit that ended it, `status` the wait status of the program's first process.

    `own_s` is wall time less what the test waited for a CPU.
    """

    stopped: str
    status: int
    wall_s: float
    own_s: float
    cpu_s: float
    peak_mb: float
    stdout: bytes
    stderr: bytes
    result: bytes
    judged: bytes
    judge_stopped: str
    judge_status: int

    @property
    def exit_code(self) -> int:
        """Exit code, or minus the signal's number."""
        return os.waitstatus_to_exitcode(self.status)


class Worker:
    """Start a keeper, hand it a program and tests, take reports in the order of the tests."""

    def __init__(self, config: SandboxConfig) -> None:
        self.link, theirs = socket.socketpair()
        self.folder = folders.make()
        with theirs:
            self.process = _spawn(config, self.folder, theirs)
        self.pending = 0
        self.link.settimeout(2 * START_LIMIT_S)
        try:
            hello, _ = receive_frame(self.link)
        except (OSError, EOFError) as error:
            self.close()
            raise WorkerLostError(f"the keeper process did not start ({error or type(error).__name__})") from error
        if "error" in hello:
            self.close()
            if hello["was_killed"]:
                raise WorkerLostError(f"a process of the grader was killed ({hello['error']})")
            raise SandboxError(f"the sandbox cannot start on this host: {hello['error']}; see `or1-reward doctor`")
        self.layers: dict[str, str] = hello["layers"]
        self.jail_pid: int = hello["jail_pid"]
        try:
            demand(self.layers, config.require)
        except SandboxError:
            self.close()
            raise

    def set_program(self, source: bytes) -> None:
        """The program that the next tests run."""
        self._send({"op": "program"}, [source])

    def submit(self, test: JailTest) -> None:
        """Put a test in line."""
        self._send(
            {"op": "test", "id": self.pending, "mode": test.mode, "limits": test.limits, "wall_s": test.wall_s},
            test.blobs,
        )
        self.pending += 1

    def report(self, wall_s: float, cancel: threading.Event | None = None) -> JailReport | None:
        """Wait for the oldest test's report, no longer than its limit allows; None when `cancel` is set meanwhile."""
        while cancel is not None and not select.select([self.link], [], [], _CANCEL_POLL_S)[0]:
            if cancel.is_set():
                return None
        header, blobs = self._receive(STARVED_FACTOR * wall_s + 2 * _PATIENCE_S)
        self.pending -= 1
        if "lost" in header:
            raise WorkerLostError(header["lost"], was_killed=header["killed"])
        return _report(header, blobs)

    def cancel(self) -> None:
        """Stop what runs, forget what waits; afterwards the worker is idle."""
        if not self.pending:
            return
        self._send({"op": "cancel"}, [])
        while "cancelled" not in self._receive(_PATIENCE_S)[0]:
            pass
        self.pending = 0

    def _send(self, header: dict[str, Any], blobs: Sequence[bytes]) -> None:
        try:
            self.link.settimeout(_PATIENCE_S)
            send_frame(self.link, header, blobs)
        except OSError as error:
            raise self._lost(error) from error

    def _receive(self, patience_s: float) -> tuple[dict[str, Any], list[bytes]]:
        try:
            self.link.settimeout(patience_s)
            header, blobs = receive_frame(self.link)
        except (OSError, EOFError) as error:
            raise self._lost(error) from error
        if "error" in header:
            raise WorkerLostError(header["error"], was_killed=header["was_killed"])
        return header, blobs

    def _lost(self, error: Exception) -> WorkerLostError:
        try:
            code = self.process.wait(_SOON_S)
        except subprocess.TimeoutExpired:
            code = 0
        return WorkerLostError(
            f"the keeper process is gone ({str(error) or type(error).__name__})", was_killed=code == -signal.SIGKILL
        )

    def close(self) -> None:
        """Hang up; the keeper kills its jails and ends. SIGKILL for one that does not."""
        self.link.close()
        try:
            self.process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        folders.remove(self.folder)

    def kill(self) -> None:
        """For a keeper that cannot be trusted to answer: its jails die with it."""
        self.link.close()
        self.process.kill()
        self.process.wait()
        folders.remove(self.folder)


def _spawn(config: SandboxConfig, folder: str, socket_for_keeper: socket.socket) -> subprocess.Popen[bytes]:
    settings = {
        "parent_pid": os.getpid(),
        "folder": folder,
        "disable": dict.fromkeys(config.disable, "switched off by configuration"),
        "packages": package_paths(config.packages),
        "disk_mb": config.disk_mb,
        "cgroup": config.cgroup,
    }
    here = str(Path(__file__).resolve().parent)
    command = [
        os.path.realpath(sys.executable),
        "-s",
        "-S",
        "-P",
        "-B",
        "-X",
        "utf8",
        "-c",
        _BOOT,
        here,
        json.dumps(settings),
    ]
    quiet = {"stdin": socket_for_keeper, "stdout": subprocess.DEVNULL}
    return subprocess.Popen(command, env=clean_environment(), cwd="/", start_new_session=True, **quiet)  # type: ignore[call-overload,no-any-return]


def _report(header: dict[str, Any], blobs: Sequence[bytes]) -> JailReport:
    report, judge = header["report"], header["judge"] or {}
    stdout, stderr, result, judged = blobs
    return JailReport(
        stopped="output" if header["too_much_output"] else report["stopped"],
        status=report["status"],
        wall_s=report["wall_s"],
        own_s=header["own_s"],
        cpu_s=report["cpu_s"],
        peak_mb=report["peak_kib"] / 1024,
        stdout=stdout,
        stderr=stderr,
        result=result,
        judged=judged,
        judge_stopped=judge.get("stopped", ""),
        judge_status=judge.get("status", 0),
    )
