"""The keeper's loop: take tests from the grading process, run them in the jail, watch their limits.

Hand results back.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from .frames import receive_frame, send_frame
from .jail import Jail, JailLostError, StartError
from .removal import remove_if_there
from .run import ALONE_IN_JUDGE, NATIVE, NEEDS_JUDGE, Run, Test, open_file, seal, sealed_file

_WATCH_EVERY_S = 0.03
_SOON_S = 0.001
_IDLE_S = 1.0
_ATTEMPTS = 2
_START_ATTEMPTS = 3


class Hangup(Exception):
    """The grading process is gone or has asked us to end."""


def start_jail(name: str, settings: dict[str, Any]) -> Jail:
    """A new jail; tried again when the template dies while starting, as under somebody's SIGKILL."""
    for _ in range(_START_ATTEMPTS - 1):
        try:
            return Jail(name, settings)
        except (StartError, JailLostError):
            continue
    return Jail(name, settings)


class Keeper:
    """State of one worker: the program being graded, the tests in line, the jails."""

    def __init__(self, caller: socket.socket, settings: dict[str, Any]) -> None:
        self.caller = caller
        self.settings = settings
        self.candidate = start_jail("candidate", settings)
        self.judge: Jail | None = None
        self.native: Jail | None = None
        self.program = sealed_file(b"")
        self.cache = open_file()
        self.is_cached = False
        self.waiting: deque[Test] = deque()
        self.cancels = 0
        self.parent_pid = settings["parent_pid"]
        self.poller = select.poll()
        self.poller.register(caller, select.POLLIN)

    def serve(self) -> None:
        """Until the caller hangs up."""
        send_frame(self.caller, {"layers": self.candidate.layers, "jail_pid": self.candidate.template_pid})
        while True:
            while not self.waiting:
                self._acknowledge_cancels()
                self._read_caller(_IDLE_S)
            self._run_one(self.waiting.popleft())

    def close(self) -> None:
        """Kill the jails."""
        for jail in self._jails():
            jail.close()

    def _jails(self) -> list[Jail]:
        return [jail for jail in (self.candidate, self.judge, self.native) if jail is not None]

    def _read_caller(self, patience_s: float) -> str:
        """Handle one order of the caller's, if there is one; returns which."""
        if not self.poller.poll(patience_s * 1000):
            if os.getppid() != self.parent_pid:  # also where another process still holds the caller's socket
                raise Hangup
            return ""
        try:
            order, blobs = receive_frame(self.caller)
        except (EOFError, OSError) as error:
            raise Hangup from error
        if order["op"] == "program":
            os.close(self.program)
            os.close(self.cache)
            self.program, self.cache, self.is_cached = sealed_file(blobs[0]), open_file(), False
        elif order["op"] == "test":
            self.waiting.append(Test(order, blobs))
        elif order["op"] == "cancel":
            self.waiting.clear()
            self.cancels += 1
        return str(order["op"])

    def _acknowledge_cancels(self) -> None:
        """Say that nothing of what was cancelled is left in line or running."""
        while self.cancels:
            self.cancels -= 1
            send_frame(self.caller, {"cancelled": True})

    def _run_one(self, test: Test) -> None:
        """Run a test; when a jail is lost through no limit of the test's, replace it and try once more.

        `killed` tells the caller whether a process of ours got SIGKILL, which no program can send.
        """
        for attempt in range(_ATTEMPTS):
            try:
                header, blobs = self._attempt(test)
            except JailLostError as error:
                killed = self._was_killed()
                self._replace_jails()
                header, blobs = {"id": test.id, "lost": f"{error} (attempt {attempt + 1})", "killed": killed}, []
                continue
            break
        send_frame(self.caller, header, blobs)

    def _attempt(self, test: Test) -> tuple[dict[str, Any], list[bytes]]:
        main, judge = self._jails_for(test)
        run = Run(test, self.program, self.cache, main, judge, _WATCH_EVERY_S)
        try:
            run.start()
            self._see_through(run)
            if test.mode == "compile":
                os.close(self.program)
                self.program = run.compiled()
            if not self.is_cached and os.fstat(self.cache).st_size:
                seal(self.cache)  # the program's code is in it, for the next tests to read
                self.is_cached = True
            return run.result()
        finally:
            run.close()
            self._recycle(run)

    def _jails_for(self, test: Test) -> tuple[Jail, Jail | None]:
        """The jail that a test runs in, and the judge's beside it."""
        if test.mode in NATIVE:
            self.native = self.native or start_jail("native", self.settings)
            return self.native, None
        if test.mode not in NEEDS_JUDGE:
            return self.candidate, None
        self.judge = self.judge or start_jail("judge", self.settings)
        return (self.judge, None) if test.mode in ALONE_IN_JUDGE else (self.candidate, self.judge)

    def _see_through(self, run: Run) -> None:
        """Poll until every process of the run has ended, keeping an eye on limits and on the caller."""
        poller = select.poll()
        poller.register(self.caller, select.POLLIN)
        for jail in run.legs:
            poller.register(jail.control, select.POLLIN)
        next_watch_s = time.monotonic() + _WATCH_EVERY_S
        while not run.is_over:
            left_s = run.wall_left_s()
            if left_s <= 0 and not run.stopping:
                self._watch(run)
                if run.wall_left_s() <= 0:
                    run.stop("wall")
            ready = {fd for fd, _ in poller.poll(1000 * min(_WATCH_EVERY_S, max(left_s, _SOON_S)))}
            run.take_answers(ready)
            if self.caller.fileno() in ready and self._read_caller(0.0) == "cancel":
                run.stop("cancel")
            if time.monotonic() >= next_watch_s and not run.is_over:
                self._watch(run)
                next_watch_s = time.monotonic() + _WATCH_EVERY_S

    def _watch(self, run: Run) -> None:
        if os.getppid() != self.parent_pid:
            raise Hangup
        run.check_overdue()
        reason = run.look()
        if reason:
            run.stop(reason)

    def _recycle(self, run: Run) -> None:
        """A jail whose folder could not be put back as it was is thrown away."""
        if run.is_dirty(self.candidate):
            self.candidate.close()
            self.candidate = start_jail("candidate", self.settings)
        if self.judge is not None and run.is_dirty(self.judge):
            self.judge.close()
            self.judge = None
        if self.native is not None and run.is_dirty(self.native):
            self.native.close()
            self.native = None

    def _was_killed(self) -> bool:
        return any(jail.was_killed() for jail in self._jails())

    def _replace_jails(self) -> None:
        self.close()
        self.judge = self.native = None
        self.candidate = start_jail("candidate", self.settings)


def main(arguments: list[str]) -> None:
    """Entry of the keeper process: descriptor 0 is the socket to the grading process."""
    gc.freeze()
    settings: dict[str, Any] = json.loads(arguments[0])
    caller = socket.socket(fileno=os.dup(0))
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    _not_dumpable()
    try:
        keeper = Keeper(caller, settings)
    except StartError as error:
        send_frame(caller, {"error": str(error), "was_killed": error.was_killed})
        return
    try:
        keeper.serve()
    except (Hangup, BrokenPipeError, ConnectionResetError):
        pass
    except StartError as error:
        send_frame(caller, {"error": str(error), "was_killed": error.was_killed})
    finally:
        keeper.close()
        remove_if_there(settings["folder"])  # also where the grading process was killed and cannot


def _not_dumpable() -> None:
    """No other process of the same user may look into this one."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from inside import linux

    linux.prctl(linux.PR_SET_DUMPABLE, 0)
