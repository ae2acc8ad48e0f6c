"""The warm template process: jailed once, it forks a fresh candidate for every test and outlives none of them.

It reads short orders with descriptors from its control socket. Programs, inputs and calls come as sealed memory files
that it hands on without reading, so nothing of one test is in the memory that the next one is forked from.

Orders: {"mode", "wall_s", "limits"} with descriptors, or {"stop": reason}. Answers: one report per test.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import socket
import stat
import sys
import threading
import time
from typing import Any, NoReturn

from . import candidate, judge, lockdown, prelude, runner, seccomp

_ENGINE = os.uname().machine
_MAX_FDS = 8
_ORDER_BYTES = 65_536
_FEW_FILES = 64


def main(arguments: list[str]) -> None:
    """Set up and serve until the keeper hangs up."""
    control = socket.socket(fileno=os.dup(0))
    plan = lockdown.Plan(**json.loads(arguments[0]))
    names = prelude.namespace()
    threading.stack_size(runner._STACK_THREAD_BYTES)
    try:
        layers = lockdown.isolate(plan, control)
    except lockdown.RootRefused as refusal:
        control.send(json.dumps({"refused": str(refusal)}).encode())
        return
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.close(nothing)
    may_fork = lockdown.programs_may_fork(plan, layers)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # pid 1 is deaf to its jail's signals, but for those it handles
    template = Template(control, names, alone=os.getpid() == 1, may_fork=may_fork)
    gc.collect()
    gc.freeze()
    gc.disable()
    control.send(json.dumps({"layers": layers}).encode())
    template.serve()


class Template:
    """The loop of the template; `alone` says that it is pid 1 and may kill every process it can see.

    Where it is not, a test is one process that may not fork (`may_fork`), so there is only that one to kill.
    """

    def __init__(self, control: socket.socket, names: dict[str, object], *, alone: bool, may_fork: bool) -> None:
        self.control = control
        self.names = names
        self.alone = alone
        self.may_fork = may_fork
        self.folder_mode = os.stat(".").st_mode
        self.other_processes = 3 if alone else _tasks_of_this_user()

    def serve(self) -> None:
        """One test after the other."""
        while True:
            order, fds = self._receive()
            if "mode" in order:
                self._send(self._run(order, fds))

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        data, fds, _, _ = socket.recv_fds(self.control, _ORDER_BYTES, _MAX_FDS)
        if not data:
            os._exit(0)  # the keeper is gone; where this is pid 1, everything else dies with it
        order: dict[str, Any] = json.loads(data)
        return order, fds

    def _send(self, answer: dict[str, Any]) -> None:
        self.control.send(json.dumps(answer).encode())

    def _run(self, order: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        started_s = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._become_candidate(order, fds)
        for fd in fds:
            os.close(fd)
        stopped = self._wait(pid, started_s + order["wall_s"])
        wall_s = time.monotonic() - started_s
        return {"wall_s": wall_s, "stopped": stopped, **self._bury(pid), "dirty": not self._tidy()}

    def _wait(self, pid: int, deadline_s: float) -> str:
        """Wait until the test's first process ends; returns why it has to be stopped, or an empty text."""
        pidfd = os.pidfd_open(pid)
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        poller.register(self.control, select.POLLIN)
        try:
            while (left_s := deadline_s - time.monotonic()) > 0:
                ready = [fd for fd, _ in poller.poll(left_s * 1000 + 1)]
                if pidfd in ready:
                    return ""
                if ready:
                    order, _ = self._receive()
                    if "stop" in order:
                        return str(order["stop"])
            return "wall"
        finally:
            os.close(pidfd)

    def _bury(self, pid: int) -> dict[str, Any]:
        """Kill and reap everything that the test has started; its own status, CPU time and peak memory."""
        if self.alone:
            _kill_all()
        else:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
        status, cpu_s, peak_kib = 0, 0.0, 0
        while True:
            try:
                reaped, ended, usage = os.wait4(-1, 0)
            except ChildProcessError:
                return {"status": status, "cpu_s": cpu_s, "peak_kib": peak_kib}
            cpu_s += usage.ru_utime + usage.ru_stime
            peak_kib = max(peak_kib, usage.ru_maxrss)
            if reaped == pid:
                status = ended

    def _tidy(self) -> bool:
        """Leave the writable folder as it was; False when that is more than removing a few plain files."""
        try:
            return os.stat(".").st_mode == self.folder_mode and self._remove_few()
        except OSError:  # closed to us, or gone
            return False

    def _remove_few(self) -> bool:
        names = os.listdir(".")
        if len(names) > _FEW_FILES or any(stat.S_ISDIR(os.lstat(name).st_mode) for name in names):
            return False
        for name in names:
            os.unlink(name)
        return True

    def _become_candidate(self, order: dict[str, Any], fds: list[int]) -> NoReturn:
        """In the child: descriptors, limits, then the program. Never returns to the template's loop."""
        try:
            os.setsid()
            limits = order["limits"]
            has_spec, has_session = order["mode"] != "stdio", order["mode"] in {"session", "judge"}
            program, wired = fds[0], fds[1:5]
            spec = runner.parse_spec(fds[5]) if has_spec else {}
            source = runner.place_descriptors([program, *wired, *(fds[6:7] if has_session else [])])
            limits["processes"] += self.other_processes
            runner.limit_self(limits)
            if not self.may_fork:
                seccomp.install(seccomp.lone_process_program(_ENGINE, os.getpid()))
            signal.signal(signal.SIGINT, signal.default_int_handler)
            gc.enable()
            run_mode(order["mode"], source, spec, self.names)
        finally:
            os._exit(runner.CRASHED)


def run_mode(mode: str, source: bytes, spec: dict[str, Any], names: dict[str, object]) -> NoReturn:
    """Dispatch on the kind of test."""
    if mode == "stdio":
        runner.run_stdio(source, names)
    if mode == "call":
        runner.run_call(source, spec, names)
    if mode == "session":
        candidate.run(source, spec, names)
    judge.run(source, spec, names)


def _kill_all() -> None:
    """As pid 1: SIGKILL to every other process of the jail at once, which no fork can outrun."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


def _tasks_of_this_user() -> int:
    """How many tasks RLIMIT_NPROC counts already. Landlock hides /proc by now, so an upper bound is taken."""
    soft = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    return 4096 if soft == resource.RLIM_INFINITY else soft


if __name__ == "__main__":
    main(sys.argv[1:])
