"""Ctrl-C while something must become whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Raise a Ctrl-C that comes meanwhile at the end; a second one at once.

    torch's writer of archives swallows an interrupt in the middle of a file and then reports a damaged one.
    """
    if threading.current_thread() is not threading.main_thread():  # Ctrl-C is the main thread's alone
        yield
        return
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            signal.default_int_handler(number, frame)
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if seen:
        raise KeyboardInterrupt
