"""Independent pieces of work side by side, each on one core: less waiting than every small product spread over all.

Two OpenMP threads meet at the end of every operation; at a million parameters that is every 50 microseconds. A lane is
a thread whose operations stay on one core, so that two lanes meet once, at the end of their work.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_lanes() -> int:
    """How many pieces run at a time: torch's threads, or 1 where a thread cannot be kept to one core."""
    return torch.get_num_threads() if _thread_limits() is not None else 1


def in_lanes(work: Callable[[Item], Result], pieces: Sequence[Item]) -> list[Result]:
    """`[work(piece) for piece in pieces]`, side by side; the first piece's exception is raised.

    Grad and inference mode belong to a thread: `work` must enter them itself. What it calls holds the interpreter
    lock while it is Python: lanes pay where most of the time is spent inside torch.
    """
    if len(pieces) == 1 or num_lanes() == 1:
        return [work(piece) for piece in pieces]
    # The calling thread is a lane too: one thread fewer to be woken, and the kernel never wakes two on one core.
    others = [_pool(num_lanes() - 1).submit(work, piece) for piece in pieces[1:]]
    try:
        with _one_core():
            first = work(pieces[0])
    finally:
        wait(others)
    return [first, *(other.result() for other in others)]


@cache
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, "lane", initializer=lambda: _limit(1, 1))


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep the calling thread to one core meanwhile."""
    threads = torch.get_num_threads()
    _limit(1, 1)
    try:
        yield
    finally:
        _limit(threads, 0)  # to MKL 0 is the number of the process


def _limit(openmp: int, mkl: int) -> None:
    """Limit this thread's OpenMP and MKL; `torch.set_num_threads` would change MKL's number for the whole process."""
    torch.get_num_threads()  # torch copies its own number into a new thread at the first call; the limit comes after
    limits = _thread_limits()
    assert limits is not None
    limits[0](openmp)
    limits[1](mkl)


@cache
def _thread_limits() -> tuple[Any, Any] | None:
    """The functions of OpenMP and MKL that limit the calling thread alone, if this build of torch has both."""
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        return library.omp_set_num_threads, library.MKL_Set_Num_Threads_Local
    except (OSError, AttributeError):
        return None
