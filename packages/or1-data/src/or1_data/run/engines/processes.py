"""Worker processes of this machine, by the standard library; with one worker, this process itself."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Self

from or1_data.errors import RunError
from or1_data.run.engines.engine import Result, Task

_PR_SET_PDEATHSIG = 1


class Processes:
    """An `Engine` over `workers` processes, which start with the first stage that has work for two."""

    machines = 1

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def map(
        self, work: Callable[[Task], Result], tasks: Sequence[Task], *, spread: bool = False
    ) -> Iterator[tuple[int, Result]]:
        """See `Engine`."""
        if self.workers == 1 or len(tasks) < 2:
            yield from ((number, work(task)) for number, task in enumerate(tasks))
            return
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, context, _die_with_parent, (os.getpid(),))
        futures = {self._pool.submit(work, task): number for number, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise RunError(
                "a worker process was killed (by hand, or because memory ran out); finished work is kept, and the same "
                "command continues; if memory ran out, give fewer --workers"
            ) from error
        finally:
            for future in futures:
                future.cancel()


def _die_with_parent(parent: int) -> None:
    """A worker whose parent was killed must not go on writing parts of a run that another one takes over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # killed while this worker was starting: no signal comes any more
        os._exit(1)
