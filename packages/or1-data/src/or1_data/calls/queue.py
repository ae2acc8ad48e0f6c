"""One queue: rows are worked on concurrently, each by its own coroutine, and come back in their order.

A model's slots are a first-come-first-served semaphore, so a row's later attempts wait behind the first ones of other
rows, and slots stay full until the last rows.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic, TypeVar

Row = TypeVar("Row")
Result = TypeVar("Result")

ROWS_PER_SLOT: Final = 16
"""So many rows are open for each slot: enough that slots find work while a slow row holds up those behind it."""
_WAITING_RESULTS: Final = 64
_POLL_S: Final = 0.2


async def in_order(rows: Iterable[Row], work: Callable[[Row], Awaitable[Result]], window: int) -> AsyncIterator[Result]:
    """The results of `work` in the order of `rows`, at most `window` rows at a time; an error cancels the others."""
    tasks: deque[asyncio.Task[Result]] = deque()
    try:
        for row in rows:
            tasks.append(asyncio.ensure_future(_waited(work, row)))
            while len(tasks) >= window or (tasks and tasks[0].done()):
                yield await tasks.popleft()
        while tasks:
            yield await tasks.popleft()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Once(Generic[Result]):
    """Calls in flight by key: who wants one that is asked for already waits for it."""

    def __init__(self) -> None:
        self._open: dict[Hashable, asyncio.Future[Result]] = {}

    async def __call__(self, key: Hashable, make: Callable[[], Awaitable[Result]]) -> Result:
        """What `make()` gives, or gave to another caller with this key who still waited."""
        if key not in self._open:
            self._open[key] = asyncio.ensure_future(make())
            self._open[key].add_done_callback(lambda _: self._open.pop(key))
        return await self._open[key]


async def _waited(work: Callable[[Row], Awaitable[Result]], row: Row) -> Result:
    return await work(row)


def iterate(make: Callable[[], AsyncIterator[Result]], opened: AbstractAsyncContextManager[object]) -> Iterator[Result]:
    """The results of an async iterator, which runs in a thread of its own with `opened` entered.

    Requests go on while the caller works, and it may run an event loop itself. Closing the iterator cancels the rest.
    """
    bridge = _Bridge(make, opened)
    thread = threading.Thread(target=bridge.run, name="calls", daemon=True)
    thread.start()
    try:
        yield from bridge.results()
    finally:
        bridge.stop.set()
        thread.join()


_END: Final = object()


class _Bridge(Generic[Result]):
    """Carries results from an event loop to the caller's thread."""

    def __init__(self, make: Callable[[], AsyncIterator[Result]], opened: AbstractAsyncContextManager[object]) -> None:
        self._make, self._opened = make, opened
        self._queue: queue.Queue[Result | BaseException | object] = queue.Queue(_WAITING_RESULTS)
        self.stop = threading.Event()

    def results(self) -> Iterator[Result]:
        """What the loop gives, in the caller's thread; its error is raised here."""
        while (value := self._queue.get()) is not _END:
            if isinstance(value, BaseException):
                raise value
            yield value  # type: ignore[misc]

    def run(self) -> None:
        """The thread of the loop."""
        last: BaseException | object = _END
        try:
            asyncio.run(self._until_stopped())
        except BaseException as error:  # noqa: BLE001  handed to the caller's thread, whatever it is
            last = error
        self._put(last)

    async def _until_stopped(self) -> None:
        running = asyncio.ensure_future(self._all())
        while not running.done():
            if self.stop.is_set():
                running.cancel()
            await asyncio.wait([running], timeout=_POLL_S)
        if not running.cancelled():
            running.result()

    async def _all(self) -> None:
        async with self._opened:
            async for result in self._make():
                if self._queue.full():  # the caller is behind; requests go on meanwhile
                    await asyncio.to_thread(self._put, result)
                else:
                    self._put(result)

    def _put(self, value: object) -> None:
        while not self.stop.is_set():
            try:
                self._queue.put(value, timeout=_POLL_S)
            except queue.Full:
                continue
            return
