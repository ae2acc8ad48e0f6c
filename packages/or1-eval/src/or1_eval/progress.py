"""How far a run is, how fast it goes, and how long it will take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from or1_rollout.generate.pace import time_left

_TOKENS_EVERY_S: Final = 0.1
"""Tokens of responses that are still being drawn come by the thousand a second; they are reported this often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Samples of one task: `drawn` have come from the engine, `graded` of them have a verdict, out of `total`.

    `drawn_here` and `tokens_here` are this session's, over `elapsed_s`: a resumed run's rate is not flattered by
    what it found. Tokens of responses that are still being drawn count where the engine tells of them; they are 0 where
    it does not count.
    """

    task: str
    total: int
    drawn: int
    graded: int
    correct: int
    drawn_here: int
    tokens_here: int
    elapsed_s: float
    max_new_tokens: int

    @property
    def samples_per_s(self) -> float:
        """Samples drawn a second in this session."""
        return self.drawn_here / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def tokens_per_s(self) -> float:
        """Tokens drawn a second in this session."""
        return self.tokens_here / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left(self) -> str:
        """How long the rest takes, in words; nothing where nothing can be said yet."""
        return time_left(
            left=self.total - self.drawn,
            total=self.total,
            ended=self.drawn_here,
            tokens=self.tokens_here,
            elapsed_s=self.elapsed_s,
            max_new_tokens=self.max_new_tokens,
        )

    def __str__(self) -> str:
        """`aime24  412/960 drawn, 410 graded, 61.2% right, 120,411 tokens, 41,200 tokens/s, about 3 min left`."""
        parts = [f"{self.task}  {self.drawn}/{self.total} drawn, {self.graded} graded"]
        if self.graded:
            parts.append(f"{self.correct / self.graded:.1%} right so far")
        if self.tokens_here:
            parts.append(f"{self.tokens_here:,} tokens, {self.tokens_per_s:,.0f} tokens/s")
        elif self.drawn_here:
            parts.append(f"{self.samples_per_s:.3g} samples/s")
        return ", ".join([*parts, self.left] if self.left else parts)


class Counter:
    """Counts from any thread and tells `report` after each change."""

    def __init__(self, task: str, total: int, max_new_tokens: int, report: Callable[[Progress], None] | None) -> None:
        """Start the clock."""
        self._task, self._total, self._max_new_tokens, self._report = task, total, max_new_tokens, report
        self._started_s = time.monotonic()
        self._reported_s = 0.0
        self._is_streamed = False
        self._lock = threading.Lock()
        self._counts = {"drawn": 0, "graded": 0, "correct": 0, "drawn_here": 0, "tokens_here": 0}

    def add(self, **counts: int) -> None:
        """Add to some of the counts."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count
            self._tell()

    def add_sample(self, num_tokens: int) -> None:
        """Count a sample that was drawn now; its tokens, unless they were counted as they came."""
        self.add(drawn=1, drawn_here=1, tokens_here=0 if self._is_streamed else max(num_tokens, 0))

    def add_tokens(self, number: int) -> None:
        """Count tokens of responses that are still being drawn."""
        with self._lock:
            self._is_streamed = True
            self._counts["tokens_here"] += number
            if time.monotonic() - self._reported_s > _TOKENS_EVERY_S:
                self._tell()

    def now(self) -> Progress:
        """The state at this moment."""
        elapsed_s = time.monotonic() - self._started_s
        return Progress(
            task=self._task,
            total=self._total,
            elapsed_s=elapsed_s,
            max_new_tokens=self._max_new_tokens,
            **self._counts,
        )

    def _tell(self) -> None:
        self._reported_s = time.monotonic()
        if self._report is not None:
            self._report(self.now())
