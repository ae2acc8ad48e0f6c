"""How far a run is, how fast it goes, and how long it will take."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Samples of one task: `drawn` have come from the engine, `graded` of them have a verdict, out of `total`.

    `drawn_here` and `tokens_here` are this session's, over `elapsed_s`: a resumed run's rate is not flattered by
    what it found. `tokens_here` is 0 where the engine does not count.
    """

    task: str
    total: int
    drawn: int
    graded: int
    correct: int
    drawn_here: int
    tokens_here: int
    elapsed_s: float

    @property
    def samples_per_s(self) -> float:
        """Samples drawn a second in this session."""
        return self.drawn_here / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def tokens_per_s(self) -> float:
        """Tokens drawn a second in this session."""
        return self.tokens_here / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until all are drawn, at this session's rate; None before the first."""
        return (self.total - self.drawn) / self.samples_per_s if self.samples_per_s else None


class Counter:
    """Counts from any thread and tells `report` after each change."""

    def __init__(self, task: str, total: int, report: Callable[[Progress], None] | None) -> None:
        """Start the clock."""
        self._task, self._total, self._report = task, total, report
        self._started_s = time.monotonic()
        self._lock = threading.Lock()
        self._counts = {"drawn": 0, "graded": 0, "correct": 0, "drawn_here": 0, "tokens_here": 0}

    def add(self, **counts: int) -> None:
        """Add to some of the counts."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count
            if self._report is not None:
                self._report(self.now())

    def now(self) -> Progress:
        """The state at this moment."""
        elapsed_s = time.monotonic() - self._started_s
        return Progress(task=self._task, total=self._total, elapsed_s=elapsed_s, **self._counts)


class ProgressLine:
    """One line on a terminal, redrawn at most ten times a second; elsewhere a plain line every half minute."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to standard error unless told otherwise."""
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._last_s = 0.0
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        """Show the state if it is time to."""
        now_s, last = time.monotonic(), progress.graded == progress.total
        if not last and now_s - self._last_s < (0.1 if self._live else 30.0):
            return
        self._last_s = now_s
        text = describe(progress)
        self._stream.write(f"\r\x1b[2K{text}" if self._live else f"{text}\n")
        self._stream.flush()
        self._shown = self._live
        if last:
            self.clear(keep=True)

    def note(self, text: str) -> None:
        """Print a line of its own above the progress line."""
        self.clear()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def clear(self, *, keep: bool = False) -> None:
        """Leave the line, or wipe it."""
        if self._shown:
            self._stream.write("\n" if keep else "\r\x1b[2K")
            self._stream.flush()
            self._shown = False


def describe(progress: Progress) -> str:
    """One line: `aime24  412/960 drawn, 410 graded, 61.2% right so far  3.1/s, 41,200 tokens/s, 3 min left`."""
    parts = [f"{progress.task}  {progress.drawn}/{progress.total} drawn, {progress.graded} graded"]
    if progress.graded:
        parts.append(f"{progress.correct / progress.graded:.1%} right so far")
    if progress.drawn_here:
        parts.append(f"{progress.samples_per_s:.3g}/s")
    if progress.tokens_here:
        parts.append(f"{progress.tokens_per_s:,.0f} tokens/s")
    if progress.left_s is not None and progress.drawn < progress.total:
        parts.append(f"{spoken_time(progress.left_s)} left")
    return ", ".join(parts)


def spoken_time(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
