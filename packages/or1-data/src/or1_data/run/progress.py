"""One line of progress on stderr, a few times a second at most: rate, time left, kept share."""

from __future__ import annotations

import sys
import time
from typing import IO


class Progress:
    """Counts rows of one stage; rows that an earlier run already made do not count for the rate."""

    def __init__(self, stage: str, total: int = 0, *, stream: IO[str] | None = None, every_s: float = 0.2) -> None:
        """Start now; `total` 0 means unknown.

        `stream` None is stderr; progress lines are replaced only on a terminal.
        """
        self.stage, self.total = stage, total
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._every_s = every_s if self._live else 5.0
        self._begun_s = self._shown_s = time.monotonic()
        self.rows = self.flagged = self.resumed = 0

    def add(self, rows: int, flagged: int, *, resumed: bool = False) -> None:
        """More rows are done, `flagged` of them with a reason to be dropped."""
        self.rows += rows
        self.flagged += flagged
        self.resumed += rows if resumed else 0
        if time.monotonic() - self._shown_s >= self._every_s:
            self._show(end="\r" if self._live else "\n")

    def close(self) -> None:
        """The last line of the stage."""
        self._show(end="\n")

    def line(self) -> str:
        """What is shown."""
        elapsed_s = max(time.monotonic() - self._begun_s, 1e-6)
        fresh = self.rows - self.resumed
        rate = fresh / elapsed_s
        parts = [f"{self.stage:14}", f"{self.rows:,}" + (f"/{self.total:,}" if self.total else "") + " rows"]
        parts.append(f"{rate:,.0f}/s" if fresh else "done before")
        if self.total > self.rows and rate:
            parts.append(f"{_clock((self.total - self.rows) / rate)} left")
        parts.append(f"kept {100 * (1 - self.flagged / self.rows):.1f}%" if self.rows else "no rows")
        return "  ".join(parts)

    def _show(self, end: str) -> None:
        self._shown_s = time.monotonic()
        self._stream.write(self.line() + ("\x1b[K" if self._live else "") + end)
        self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
