"""The warm template process: jailed once, it forks a fresh candidate for every test and outlives none of them.

It reads short orders with descriptors from its control socket. Programs, inputs and calls come as sealed memory files
that it hands on without reading, so nothing of one test is in the memory that the next one is forked from.

Orders: {"mode", "wall_s", "limits"} with descriptors, or {"stop": reason}. Answers: one report per test.
"""

from __future__ import annotations

import _random
import contextlib
import fcntl
import gc
import json
import marshal
import math
import os
import random
import resource
import select
import signal
import socket
import stat
import sys
import threading
import time
import zlib
from typing import Any, NoReturn

from . import candidate, checker, judge, linux, lockdown, native, prelude, reserved, runner, seccomp
from .program import Program, read_all

_ENGINE = os.uname().machine
_MAX_FDS = 8
_ORDER_BYTES = 65_536
_FEW_FILES = 64
_WARM_UPS = 20
_SMALLEST, _LARGEST, _POOL_BYTES = 48, 512, 16_384
_BYTES_HEADER = sys.getsizeof(b"")
_HIGH_FD = 100
_LOW_FDS = range(8)  # the numbers that a test's files go to


def main(arguments: list[str]) -> None:
    """Set up and serve until the keeper hangs up."""
    control = socket.socket(fileno=fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _HIGH_FD))
    try:
        _set_up_and_serve(control, arguments)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the keeper is gone


def _set_up_and_serve(control: socket.socket, arguments: list[str]) -> None:
    plan = lockdown.Plan(**json.loads(arguments[0]))
    prelude.install()
    threading.stack_size(runner.THREAD_STACK_BYTES)
    try:
        layers, own_calls = lockdown.isolate(plan, control)
    except lockdown.RootRefused as refusal:
        control.send(json.dumps({"refused": str(refusal)}).encode())
        return
    nothing = os.open("/dev/null", os.O_RDWR)
    for fd in _LOW_FDS:
        os.dup2(nothing, fd)
    runner.limit_template()
    runner.open_standard_streams()
    may_fork = lockdown.programs_may_fork(plan, layers)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # pid 1 is deaf to its jail's signals, but for those it handles
    sys.argv[:] = sys.orig_argv[:] = ["solution.py"]  # programs ask how many there are
    template = Template(control, own_calls, alone=os.getpid() == 1, may_fork=may_fork)
    warm_up()
    gc.collect()
    _ballast.extend(fill_gaps())
    gc.freeze()
    gc.disable()
    control.send(json.dumps({"layers": layers}).encode())
    template.serve()


class Template:
    """The loop of the template; `alone` says that it is pid 1 and may kill every process it can see.

    Where it is not, a test is one process that may not fork (`may_fork`), so there is only that one to kill.
    """

    def __init__(
        self, control: socket.socket, own_calls: reserved.ReservedCalls, *, alone: bool, may_fork: bool
    ) -> None:
        self.control = control
        self.own_calls = own_calls
        self.alone = alone
        self.may_fork = may_fork
        self.folder_state = _state_of_folder()
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
        pid = linux.fork()
        if pid == 0:
            self._become_candidate(order, fds)
        self.own_calls.limit_cpu(pid, math.ceil(order["limits"]["cpu_s"]))
        os.closerange(min(fds), max(fds) + 1)  # they come in one row: below and above all numbers are taken
        stopped = self._wait(pid, started_s + order["wall_s"])
        wall_s = time.monotonic() - started_s
        return {"wall_s": wall_s, "stopped": stopped, **self._bury(pid, ended=not stopped), "dirty": not self._tidy()}

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

    def _bury(self, pid: int, *, ended: bool) -> dict[str, Any]:
        """Kill and reap everything that the test has started; its own status, CPU time and peak memory."""
        if not ended:
            self._kill(pid)
        _, status, usage = os.wait4(pid, 0)
        cpu_s, peak_kib = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
        options = os.WNOHANG
        while True:
            try:
                reaped, _, usage = os.wait4(-1, options)
            except ChildProcessError:  # no child is left; orphans fall to pid 1, so no process is left
                return {"status": status, "cpu_s": cpu_s, "peak_kib": peak_kib}
            if not reaped:
                self._kill(pid)
                options = 0
            cpu_s += usage.ru_utime + usage.ru_stime
            peak_kib = max(peak_kib, usage.ru_maxrss)

    def _kill(self, pid: int) -> None:
        """As pid 1: SIGKILL to every other process of the jail at once, which no fork can outrun; else to the only one."""
        with contextlib.suppress(ProcessLookupError):
            self.own_calls.kill(-1 if self.alone else pid)

    def _tidy(self) -> bool:
        """Leave the writable folder as it was; False when that is more than removing a few plain files."""
        try:
            if _state_of_folder() != self.folder_state or not self._remove_few():
                return False
            with contextlib.suppress(PermissionError):  # where the filter keeps metadata as they are
                os.utime(".")  # the times tell nothing of this test
            return True
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
            mode, limits = order["mode"], order["limits"]
            limits["processes"] += self.other_processes
            runner.limit_self(limits)
            program, cache, *wired = fds
            spec = {} if mode in ("stdio", "native") else runner.parse_spec(wired[4])
            if mode in ("compile", "native"):
                native.run(mode, program, wired, spec)
            seed = zlib.crc32(read_all(wired[4] if spec else wired[0]))
            loaded = Program(read_all(program), cache)
            runner.place_descriptors(wired[:4] + wired[5:])
            if not self.may_fork:
                seccomp.install(seccomp.lone_process_program(_ENGINE, os.getpid()))
            _random.Random.seed(random._inst, seed)  # same dice, same verdict, each time
            gc.enable()
            run_mode(mode, loaded, spec)
        finally:
            os._exit(runner.CRASHED)


def warm_up() -> None:
    """Do here, many times, what each test's process does before its program runs.

    The interpreter then has specialized these functions, and a test neither does it again nor has the pages copied.
    """
    order = json.dumps({"mode": "stdio", "limits": {"processes": 64}, "wall_s": 1.0})
    with open(".warm", "w+b") as file:
        file.write(b"pass")
        file.flush()
        for _ in range(_WARM_UPS):
            json.loads(order)
            source = read_all(file.fileno())
            zlib.crc32(source)
            runner.prepare_for(source)
            runner.flush(sys.stdout, sys.stderr)
            cached = marshal.dumps(compile(source, "<solution>", "exec", dont_inherit=True))
            exec(marshal.loads(cached), runner.new_module("__main__"))
    os.unlink(".warm")
    del sys.modules["__main__"]


_ballast: list[bytes] = []


def fill_gaps() -> list[bytes]:
    """Fill the gaps that start-up has left in the interpreter's small-object heap, size by size.

    A test's new objects then lie side by side, in a few pages, and not in hundreds of pages that the kernel must copy.
    """
    kept: list[bytes] = []
    for size in range(_SMALLEST, _LARGEST + 1, 16):
        in_a_row, last = 0, 0
        while in_a_row < _POOL_BYTES // size // 2:
            kept.append(bytes(size - _BYTES_HEADER))
            in_a_row, last = (in_a_row + 1 if id(kept[-1]) == last + size else 0), id(kept[-1])
    return kept


def run_mode(mode: str, program: Program, spec: dict[str, Any]) -> NoReturn:
    """Dispatch on the kind of test; what runs in the judge's jail is the row's own code."""
    if mode == "stdio":
        runner.run_stdio(program)
    if mode == "call":
        runner.run_call(program, spec)
    if mode == "session":
        candidate.run(program, spec)
    if mode == "prefix":
        judge.run_prefix(program)
    if mode == "checker":
        checker.run(program, spec)
    judge.run(program, spec)


def _state_of_folder() -> tuple[int, list[str]]:
    return os.stat(".").st_mode, os.listxattr(".")


def _tasks_of_this_user() -> int:
    """How many tasks RLIMIT_NPROC counts already. Landlock hides /proc by now, so an upper bound is taken."""
    soft = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    return 4096 if soft == resource.RLIM_INFINITY else soft


if __name__ == "__main__":
    main(sys.argv[1:])
