"""An asyncio event loop in a thread, for rewards that wait for others: many groups at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

GROUPS_AT_A_TIME: Final = 32
"""Threads that wait for the loop; each costs a stack."""


class EventLoop:
    """Runs coroutines for threads that wait for their results; the thread is a daemon and hinders no exit."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name=name, daemon=True).start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, or what it raised."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """Stop; what still runs is dropped."""
        self._loop.call_soon_threadsafe(self._loop.stop)
