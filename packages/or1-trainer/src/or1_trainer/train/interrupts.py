"""Defer SIGINT (Ctrl-C) during atomic writes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def defer_sigint() -> Iterator[None]:
    """Raise `KeyboardInterrupt` when the body has ended, if SIGINT came meanwhile; a second SIGINT raises at once.

    torch's writer of archives swallows an interrupt in the middle of a file and then reports a damaged one. In other
    threads than the main one this does nothing: Python delivers signals to the main thread alone.
    """
    if threading.current_thread() is not threading.main_thread():
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
