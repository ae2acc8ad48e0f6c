"""Worker processes for work that may hang or eat memory: reused, limited, killed and replaced.

Plain `subprocess` of a clean interpreter: works in threads, asyncio, Ray actors and daemonic processes, after CUDA was
initialized, and without SIGALRM in the host program. One numbered JSON line goes in, one comes out. A worker ends when
its standard input closes or its parent is gone.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Final

START_LIMIT_S: Final = 120.0
STUCK_S = 120.0  # wall clock without an answer after which a worker is taken for stuck, not for starved
_READ_BYTES: Final = 65_536


class WorkerTimeoutError(TimeoutError):
    """The request took more CPU time than its limit, and was given up."""


class WorkerMemoryError(MemoryError):
    """The request took more memory than its limit, and was given up."""


class WorkerFailureError(RuntimeError):
    """A worker could not be started, died, or got no CPU time; no fault of the request as far as anyone knows."""


class WorkerOverdueError(WorkerFailureError):
    """No answer within the wall clock: the worker is stuck, or the machine has no time for it."""


class _Worker:
    def __init__(self, module: str, memory_mb: int) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(memory_mb)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": paths, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", **_loader_paths()},
                process_group=0,  # what it forks dies with it
            )
        except OSError as error:
            raise WorkerFailureError(f"cannot start {module}: {error}") from error
        self.rest = b""
        self.number = 0
        self.greeted = False

    def greeting(self, deadline: float) -> None:
        """Wait until the worker has started."""
        if not self.greeted:
            self.read_line(deadline)
            self.greeted = True

    def ask(self, request: dict[str, Any], limit_s: float, deadline: float) -> Any:
        """One request, one answer; answers to questions that were given up are skipped."""
        self.number += 1
        line = f"{self.number} {json.dumps({**request, 'limit_s': limit_s})}\n".encode()
        try:
            self.process.stdin.write(line)  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise WorkerFailureError(f"a worker was gone: {error}") from error
        while True:
            answer = json.loads(self.read_line(deadline))
            if answer["number"] == self.number:
                return answer

    def read_line(self, deadline: float) -> bytes:
        """One line of its standard output, in time."""
        descriptor = self.process.stdout.fileno()  # type: ignore[union-attr]
        while b"\n" not in self.rest:
            poll = select.poll()  # not select(): descriptors may be above 1023
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise WorkerOverdueError("no answer in time: the machine is too busy")
            chunk = os.read(descriptor, _READ_BYTES)
            if not chunk:
                raise WorkerFailureError(f"a worker ended with {self.process.wait()}")
            self.rest += chunk
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def kill(self) -> None:
        """End it and what it forked, now, and collect it, so that no zombie stays."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        self.process.wait()


def _loader_paths() -> dict[str, str]:
    """What some interpreters need to find their own libraries; nothing else of the environment is handed down."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


class WorkerPool:
    """Hands requests to idle workers of one module; starts them on demand, at most `size` at a time."""

    def __init__(self, module: str, *, size: int, memory_mb: int) -> None:
        """`module` is run with `-m`: it writes `{}` when it is ready and answers numbered JSON lines in kind.

        An answer carries the request's number; `limit` in it is `time` or `memory`, `died` says that it has none.
        A worker keeps the limits of its questions by itself. One that does not answer within the wall clock is ended,
        so that no question meets what was left of an earlier one.
        """
        self.module, self.size, self.memory_mb = module, size, memory_mb
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)

    def _reset(self) -> None:
        """Start over: also in a forked child, where the workers still belong to its parent."""
        self.lock = threading.Lock()
        self.idle: list[_Worker] = []
        self.busy = 0
        self.slots = threading.BoundedSemaphore(self.size)

    def start_ahead(self) -> None:
        """Start a worker where none is, while nobody waits for it."""
        with self.lock, contextlib.suppress(WorkerFailureError):  # the next request tries again and says so
            if not self.idle and not self.busy:
                self.idle.append(_Worker(self.module, self.memory_mb))

    def ask(self, request: dict[str, Any], limit_s: float, *, wall_s: float | None = None) -> Any:
        """The answer to one request.

        Args:
            request: what the worker's module understands.
            limit_s: CPU time, so that a busy machine does not change what is found.
            wall_s: wall clock of the answer; None is so long that only a stuck worker exceeds it.

        Raises:
            WorkerTimeoutError: it took more than `limit_s`.
            WorkerMemoryError: it took more than the worker's memory.
            WorkerFailureError: no worker, it died, or (as `WorkerOverdueError`) `wall_s` went by.
        """
        started = time.monotonic()
        if not self.slots.acquire(timeout=wall_s or STUCK_S):
            raise WorkerFailureError("no worker free in time: the machine is too busy")
        try:
            worker = self._take()
            answer = self._answer(worker, request, limit_s, started, wall_s)
        finally:
            self.slots.release()
        if answer.get("limit") == "time":
            raise WorkerTimeoutError("out of CPU time")
        if answer.get("limit") == "memory":
            raise WorkerMemoryError("out of memory")
        if "died" in answer:
            raise WorkerFailureError(f"a worker ended with {answer['died']}")
        return answer

    def _answer(
        self, worker: _Worker, request: dict[str, Any], limit_s: float, started: float, wall_s: float | None
    ) -> Any:
        """Ask one worker and put it back, unless it is lost."""
        try:
            worker.greeting(started + START_LIMIT_S)
            answer = worker.ask(request, limit_s, time.monotonic() + (wall_s or limit_s + STUCK_S))
        except BaseException:
            worker.kill()
            self._give_back(None)
            raise
        if answer.get("limit") == "memory":
            worker.kill()  # a request too large may still be half in its pipe
        self._give_back(worker)
        return answer

    def _give_back(self, worker: _Worker | None) -> None:
        with self.lock:
            self.busy -= 1
            if worker is not None:
                self.idle.append(worker)

    def _take(self) -> _Worker:
        """An idle worker, one that has started first; a new one where there is none."""
        with self.lock:
            self.busy += 1
            self.idle.sort(key=lambda worker: worker.greeted)
            while self.idle:
                worker = self.idle.pop()
                if worker.process.poll() is None:
                    return worker
                worker.kill()
        try:
            return _Worker(self.module, self.memory_mb)
        except WorkerFailureError:
            self._give_back(None)
            raise

    def close(self) -> None:
        """End all idle workers."""
        with self.lock:
            idle, self.idle = self.idle, []
        for worker in idle:
            worker.kill()
