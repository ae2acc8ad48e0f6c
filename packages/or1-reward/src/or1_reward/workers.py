"""Worker processes for work that may hang or eat memory: reused, limited, killed and replaced.

Plain `subprocess` of a clean interpreter: works in threads, asyncio, Ray actors and daemonic processes, after CUDA was
initialised, and without SIGALRM in the host program. One JSON line goes in, one comes out. A worker ends when its
standard input closes or its parent is gone, and the kernel's timer ends it even in the middle of a computation.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from typing import Any, Final

START_LIMIT_S: Final = 60.0
_STARVED_FACTOR: Final = 6  # so much wall clock for a limit of CPU time; beyond it the machine is at fault
_GRACE_S: Final = 0.5
_CPU_TIMER_ENDED: Final = -27  # SIGPROF
_READ_BYTES: Final = 65_536


class WorkerTimeoutError(TimeoutError):
    """The request took more CPU time than its limit; its worker was killed."""


class WorkerFailureError(RuntimeError):
    """A worker could not be started, died, or got no CPU time; no fault of the request as far as anyone knows."""


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
            )
        except OSError as error:
            raise WorkerFailureError(f"cannot start {module}: {error}") from error
        self.rest = b""
        self.greeted = False

    def ask(self, request: dict[str, Any], limit_s: float, wall_s: float) -> Any:
        """One request, one answer; the first one waits for the worker to have started, outside of its limit."""
        if not self.greeted:
            self.read_line(START_LIMIT_S)
            self.greeted = True
        line = json.dumps({**request, "limit_s": limit_s}).encode() + b"\n"
        try:
            self.process.stdin.write(line)  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise WorkerFailureError(f"a worker was gone: {error}") from error
        return json.loads(self.read_line(wall_s))

    def read_line(self, limit_s: float) -> bytes:
        """One line of its standard output, in time."""
        deadline = time.monotonic() + limit_s
        descriptor = self.process.stdout.fileno()  # type: ignore[union-attr]
        while b"\n" not in self.rest:
            poll = select.poll()  # not select(): descriptors may be above 1023
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise WorkerFailureError(f"no answer within {limit_s:g} s of wall clock")
            chunk = os.read(descriptor, _READ_BYTES)
            if not chunk:
                raise self.ended()
            self.rest += chunk
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def ended(self) -> Exception:
        """What the end of the worker means: its own timer, or something else."""
        code = self.process.wait()
        if code == _CPU_TIMER_ENDED:
            return WorkerTimeoutError("out of CPU time")
        return WorkerFailureError(f"a worker ended with {code}")

    def kill(self) -> None:
        """End it now and collect it, so that no zombie stays."""
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
        """`module` is run with `-m`; it reads requests and writes answers as JSON lines, `{}` when it is ready."""
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

    def ask(self, request: dict[str, Any], limit_s: float, *, wall_s: float | None = None) -> Any:
        """The answer to one request.

        Args:
            request: what the worker's module understands.
            limit_s: CPU time, so that a busy machine does not change what is found.
            wall_s: wall clock; None is several times the CPU time.

        Raises:
            WorkerTimeoutError: it took more than `limit_s`.
            WorkerFailureError: no worker, it died, or `wall_s` went by.
        """
        with self.slots:
            worker = self._take()
            with self.lock:
                self.busy += 1
            try:
                answer = worker.ask(request, limit_s, wall_s or limit_s * _STARVED_FACTOR + _GRACE_S)
            except WorkerTimeoutError:
                worker.kill()
                self._start_ahead()
                raise
            except BaseException:
                worker.kill()
                raise
            finally:
                with self.lock:
                    self.busy -= 1
            self._give_back(worker)
            return answer

    def _start_ahead(self) -> None:
        """Replace a killed worker, and keep a second one ready where there is room: what hangs once hangs again.

        New ones start while nobody waits for them, and are taken after those that have started.
        """
        with self.lock, contextlib.suppress(WorkerFailureError):  # the next request tries again and says so
            for _ in range(min(2, self.size - (self.busy - 1) - len(self.idle))):
                self.idle.insert(0, _Worker(self.module, self.memory_mb))

    def _give_back(self, worker: _Worker) -> None:
        with self.lock:
            self.idle.append(worker)

    def _take(self) -> _Worker:
        with self.lock:
            while self.idle:
                worker = self.idle.pop()
                if worker.process.poll() is None:
                    return worker
                worker.kill()
        return _Worker(self.module, self.memory_mb)

    def close(self) -> None:
        """End all idle workers."""
        with self.lock:
            idle, self.idle = self.idle, []
        for worker in idle:
            worker.kill()
