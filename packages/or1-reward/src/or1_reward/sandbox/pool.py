"""A pool of workers that any thread may borrow from; it grows on demand and replaces what is lost."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .config import SandboxConfig
from .layers import PURPOSE, SandboxError, is_in_force
from .worker import Worker, WorkerLostError

_log = logging.getLogger(__name__)
_WORTH_A_WARNING = ("pid_namespace", "mount_namespace", "net_namespace", "landlock")


class Sandbox:
    """Jails for graded programs.

    Use as a context manager, or call `close`; a process that dies leaves nothing behind.
    """

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        self._idle: list[Worker] = []
        self._slots = threading.Semaphore(self.config.workers)
        self._lock = threading.Lock()
        self._owner_pid = os.getpid()
        self._closed = False
        self._warned = False
        _open_sandboxes.append(self)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def layers(self) -> dict[str, str]:
        """What isolates a jail on this host: layer name to "in force" or why it is missing.

        Starts a worker if none runs.
        """
        with self.worker() as worker:
            return dict(worker.layers)

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """Borrow a worker; waits while all are out. A worker that was lost, or left busy, is not put back.

        Raises:
            SandboxError: this host does not give the required layers.
        """
        with self._slots:
            worker = self._take()
            try:
                yield worker
            except BaseException as error:
                (worker.kill if isinstance(error, WorkerLostError) or worker.pending else worker.close)()
                raise
            self._put_back(worker)

    def _take(self) -> Worker:
        with self._lock:
            if self._closed:
                raise ValueError("this Sandbox is closed; make a new one")
            while self._idle:
                worker = self._idle.pop()
                if worker.process.poll() is None:
                    return worker
                worker.close()
        worker = Worker(self.config)
        self._warn_once(worker)
        return worker

    def _put_back(self, worker: Worker) -> None:
        with self._lock:
            if not self._closed and not worker.pending:
                self._idle.append(worker)
                return
        worker.kill()

    def _warn_once(self, worker: Worker) -> None:
        missing = [name for name in _WORTH_A_WARNING if not is_in_force(worker.layers, name)]
        if missing and not self._warned:
            self._warned = True
            told = "; ".join(f"{name} ({PURPOSE[name]}): {worker.layers.get(name)}" for name in missing)
            _log.warning("the code sandbox runs with fewer layers than it could: %s. See `or1-reward doctor`.", told)

    def close(self) -> None:
        """End all idle workers; those that are out end when they are given back."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        if self in _open_sandboxes:
            _open_sandboxes.remove(self)
        for worker in idle:
            worker.link.close()  # all hang up first, then each is waited for
        for worker in idle:
            worker.close()

    def _forget(self) -> None:
        """In a forked child: the workers belong to the parent; holding their sockets would keep them alive."""
        for worker in self._idle:
            worker.link.close()
        self._idle = []
        self._slots = threading.Semaphore(self.config.workers)
        self._lock = threading.Lock()
        self._owner_pid = os.getpid()


_open_sandboxes: list[Sandbox] = []
_default: list[Sandbox] = []
_default_lock = threading.Lock()


def default_sandbox() -> Sandbox:
    """The process-wide sandbox, made on first use from the environment or from `configure`."""
    with _default_lock:
        if not _default:
            _default.append(Sandbox())
        return _default[0]


def configure(config: SandboxConfig) -> Sandbox:
    """Replace the process-wide sandbox, once a worker of the new one has started.

    Raises:
        SandboxError: this host does not give the required layers; the sandbox stays as it was.
    """
    new = Sandbox(config)
    try:
        _ = new.layers
    except SandboxError:
        new.close()
        raise
    with _default_lock:
        old, _default[:] = list(_default), [new]
    for sandbox in old:
        sandbox.close()
    return new


def _forget_after_fork() -> None:
    global _default_lock  # noqa: PLW0603 - a lock held by another thread at the fork would never be released
    _default_lock = threading.Lock()
    for sandbox in _open_sandboxes:
        sandbox._forget()


def _close_all() -> None:
    for sandbox in list(_open_sandboxes):
        sandbox.close()


os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(_close_all)
