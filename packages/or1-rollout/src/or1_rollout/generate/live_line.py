"""One line that says how far a command is: redrawn on a terminal, written now and then elsewhere."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text


class LiveLine:
    """A context manager; `describe()` gives the line whenever it is shown."""

    def __init__(self, describe: Callable[[], str], *, is_shown: bool = True) -> None:
        """Write to standard error; with `is_shown` False only notes appear."""
        self._describe, self._is_shown = describe, is_shown
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._is_shown and self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._text, refresh_per_second=4)
            self._live.start()
        elif self._is_shown:
            self._thread = threading.Thread(target=self._write_now_and_then, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._live is not None:
            self._live.stop()
        if self._thread is not None:
            self._thread.join()
            self._console.print(self._text())

    def note(self, text: str) -> None:
        """Print a line of its own, above the line that is redrawn."""
        self._console.print(Text(text))

    def _text(self) -> Text:
        return Text(self._describe())

    def _write_now_and_then(self) -> None:
        started_s = time.monotonic()
        for due_s in itertools.chain((5, 15), itertools.count(30, 30)):
            if self._ended.wait(max(0.0, started_s + due_s - time.monotonic())):
                return
            self._console.print(self._text())
