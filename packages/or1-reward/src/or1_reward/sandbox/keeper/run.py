"""One test in flight: its memory files, the processes it takes (one, or candidate and judge), and its result."""

from __future__ import annotations

import fcntl
import os
import socket
from typing import Any

from . import watch
from .clock import STARVED_FACTOR, Clock
from .jail import Jail, JailLostError

_GRACE_S = 10.0
_TEMPLATE_TASKS = 2
_TAIL_BYTES = 4096
_MIB = 1 << 20
_CPU_SLACK_S = 0.05
NEEDS_JUDGE = ("check", "prefix", "checker")
ALONE_IN_JUDGE = ("prefix", "checker")
NATIVE = ("compile", "native")
_FED, _TOLD = ("stdio", "native"), ("call", "compile")
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def sealed_file(data: bytes) -> int:
    """A memory file that nobody can change any more, read from its start."""
    fd = os.memfd_create("or1", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    return fd


def open_file() -> int:
    """An empty memory file that can be written, and sealed later."""
    return os.memfd_create("or1", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)


def seal(fd: int) -> None:
    """Make a memory file unchangeable."""
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)


class Test:
    """An order of the caller's.

    Blobs: stdio [stdin]; call [spec]; check [candidate spec, check source, judge spec]; in the judge's jail alone
    prefix [source] and checker [source, spec, texts]; in the jail of compiled programs compile [spec] and native [stdin].
    """

    def __init__(self, order: dict[str, Any], blobs: list[bytes]) -> None:
        self.id: int = order["id"]
        self.mode: str = order["mode"]
        self.limits: dict[str, Any] = order["limits"]
        self.wall_s: float = order["wall_s"]
        self.blobs = blobs

    @property
    def longest_s(self) -> float:
        """When even a test that was starved of CPU ends."""
        return STARVED_FACTOR * self.wall_s


class Run:
    """A test and the jails it runs in, one or two. `legs` are the jails still at work."""

    def __init__(
        self, test: Test, program: int, cache: int, main: Jail, judge: Jail | None, watch_every_s: float
    ) -> None:
        self.test = test
        self.program = program
        self.cache = cache
        self.main = main  # where the program runs, or a row's own code
        self.judge = judge
        self.legs: list[Jail] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.opened: list[int] = []
        self.outputs: dict[str, list[int]] = {}
        self.stopping = ""
        self.kills_before: dict[str, int] = {}
        self.clock = Clock(self.main.template_pid, watch_every_s)

    def _file(self, data: bytes | None = None) -> int:
        fd = os.memfd_create("or1", os.MFD_CLOEXEC) if data is None else sealed_file(data)
        self.opened.append(fd)
        return fd

    def start(self) -> None:
        """Send the order, or both orders with a socket between candidate and judge."""
        blobs = self.test.blobs
        if self.test.mode in _FED:
            self._launch(self.main, self.test.mode, self.program, self.cache, stdin=blobs[0])
        elif self.test.mode in _TOLD:
            self._launch(self.main, self.test.mode, self.program, self.cache, spec=blobs[0])
        elif self.test.mode in ALONE_IN_JUDGE:
            spec, texts = (*blobs[1:], b"{}", b"")[:2]
            self._launch(self.main, self.test.mode, self._file(blobs[0]), self._file(), stdin=texts, spec=spec)
        else:
            assert self.judge is not None
            one, other = socket.socketpair()
            with one, other:
                self._launch(self.main, "session", self.program, self.cache, spec=blobs[0], session=one.fileno())
                self._launch(
                    self.judge, "judge", self._file(blobs[1]), self._file(), spec=blobs[2], session=other.fileno()
                )

    def _launch(
        self,
        jail: Jail,
        mode: str,
        program: int,
        cache: int,
        *,
        stdin: bytes = b"",
        spec: bytes | None = None,
        session: int = -1,
    ) -> None:
        outputs = self.outputs[jail.name] = [self._file(), self._file(), self._file()]
        fds = [program, cache, self._file(stdin), *outputs]
        fds += [] if spec is None else [self._file(spec)]
        fds += [] if session < 0 else [session]
        if jail.cgroup is not None:
            jail.cgroup.limit(self.test.limits["memory_mb"], self.test.limits["processes"] + _TEMPLATE_TASKS)
            self.kills_before[jail.name] = jail.cgroup.kills()
        jail.send({"mode": mode, "limits": self.test.limits, "wall_s": self.test.longest_s}, fds)
        self.legs.append(jail)

    @property
    def is_over(self) -> bool:
        """No process of the test is left."""
        return not self.legs

    def take_answers(self, ready: set[int]) -> None:
        """Note which jails are done; once the judge has spoken the candidate is not needed any more."""
        for jail in [leg for leg in self.legs if leg.control.fileno() in ready]:
            self.answers[jail.name] = jail.receive()
            self.legs.remove(jail)
            if jail is not self.main and self.main in self.legs:
                self.main.send({"stop": "judged"})

    def stop(self, reason: str) -> None:
        """Ask for the end of a test; the first reason counts."""
        if self.stopping:
            return
        self.stopping = reason
        for jail in self.legs:
            jail.send({"stop": reason})

    def check_overdue(self) -> None:
        """A template that does not report long after the limit is taken for dead."""
        if self.clock.elapsed_s > self.test.longest_s + _GRACE_S:
            raise JailLostError("the template did not report in time")

    def wall_left_s(self) -> float:
        """Time until the wall limit on the test's own clock, or until the longest that any test gets."""
        return min(self.test.wall_s - self.clock.own_s, self.test.longest_s - self.clock.elapsed_s)

    def look(self) -> str:
        """Look at the running test from outside; the limit that it is over, if any."""
        processes = watch.descendants(self.main.template_pid)
        self.clock.look([pid for jail in self.legs for pid in self._processes(jail, processes)])
        return self._exceeded(processes)

    def _processes(self, jail: Jail, of_main: list[int]) -> list[int]:
        return of_main if jail is self.main else watch.descendants(jail.template_pid)

    def _memory_mb(self, processes: list[int]) -> float:
        template_pid = self.main.template_pid
        own_network = self.main.layers["net_namespace"].startswith("in force")
        return watch.tree_mb(template_pid, processes) + (watch.sockets_mb(template_pid) if own_network else 0.0)

    def _exceeded(self, processes: list[int]) -> str:
        limits = self.test.limits
        if self._memory_mb(processes) > limits["memory_mb"]:
            return "memory"
        if watch.cpu_s(processes) > limits["cpu_s"] + _CPU_SLACK_S:
            return "cpu"
        if any(watch.size_mb(fd) > limits["output_mb"] for fd in self.outputs[self.main.name]):
            return "output"
        if (
            not self.main.layers["mount_namespace"].startswith("in force")
            and watch.folder_mb(self.main.box) > limits["disk_mb"]
        ):
            return "disk"
        return ""

    def result(self) -> tuple[dict[str, Any], list[bytes]]:
        """The reports, and what the program wrote: stdout, the end of stderr, its result file, the judge's word."""
        cap = self.test.limits["output_mb"] * _MIB
        files = self.outputs[self.main.name]
        sizes = [os.fstat(fd).st_size for fd in files]
        stdout, stderr, result = zip(files, sizes, strict=True)
        beside = self.judge
        verdict = os.pread(self.outputs[beside.name][2], _MIB, 0) if beside else b""
        for jail in (self.main, beside):
            if jail is not None and jail.cgroup and jail.cgroup.kills() > self.kills_before[jail.name]:
                self.answers[jail.name]["stopped"] = "memory"
        header = {
            "id": self.test.id,
            "report": self.answers[self.main.name],
            "judge": self.answers.get(beside.name) if beside else None,
            "own_s": self.clock.own_s,
            "too_much_output": max(sizes) > cap,
        }
        told = b"" if self.test.mode == "compile" else _read(*result, cap)
        return header, [_read(*stdout, cap), _tail(*stderr), told, verdict]

    def compiled(self) -> int:
        """The compiled program as a sealed memory file."""
        fd = self.outputs[self.main.name][2]
        return sealed_file(os.pread(fd, os.fstat(fd).st_size, 0))

    def is_dirty(self, jail: Jail) -> bool:
        """Whether this test left more behind than could be tidied up."""
        return bool(self.answers.get(jail.name, {}).get("dirty"))

    def close(self) -> None:
        """Let go of the memory files."""
        for fd in self.opened:
            os.close(fd)
        self.opened.clear()


def _read(fd: int, size: int, cap: int) -> bytes:
    return os.pread(fd, min(size, cap), 0) if size else b""


def _tail(fd: int, size: int) -> bytes:
    return os.pread(fd, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
