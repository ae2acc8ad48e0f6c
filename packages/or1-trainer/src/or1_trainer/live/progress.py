"""One phase of the training loop while it runs: time, units done, tokens generated, time left."""

from __future__ import annotations

from collections.abc import Callable

from or1_rollout.generate.pace import time_left

Clock = Callable[[], float]


class Phase:
    """A phase of the loop that is also its stopwatch; `LiveView.phase` starts and ends it."""

    def __init__(
        self, name: str, total: int | None, max_tokens: int | None, *, clock: Clock, on_change: Callable[[], None]
    ) -> None:
        """Start the clock, which gives seconds; `on_change` is called whenever something is counted.

        `total` is the number of units (responses, supervised steps), where it is known, and `max_tokens` the most
        tokens of one, where the units are responses.
        """
        self.name, self.total, self.max_tokens = name, total, max_tokens
        self.done = 0
        self.ended_tokens = 0
        self._streamed_tokens = 0
        self._on_change = on_change
        self._clock = clock
        self._started_s = clock()
        self._stopped_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start, or the duration of an ended phase."""
        return (self._clock() if self._stopped_s is None else self._stopped_s) - self._started_s

    @property
    def tokens(self) -> int:
        """Tokens generated so far; where the engine reports them only with finished responses, of these."""
        return max(self.ended_tokens, self._streamed_tokens)

    @property
    def tokens_allowed(self) -> int | None:
        """Most tokens of the whole phase: those of finished responses, and the limit of each of the others."""
        if self.total is None or self.max_tokens is None:
            return None
        return self.ended_tokens + (self.total - self.done) * self.max_tokens

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens generated per second; None before the first."""
        return self.tokens / self.elapsed_s if self.tokens and self.elapsed_s > 0 else None

    @property
    def left(self) -> str:
        """Time to the end: "about 8 s left" once enough units are done, before "at most 20 s left", or nothing."""
        return time_left(
            left=(self.total or 0) - self.done,
            total=self.total or 0,
            ended=self.done,
            tokens=self.tokens,
            elapsed_s=self.elapsed_s,
            max_new_tokens=self.max_tokens or 0,
            unfinished_tokens=self.tokens - self.ended_tokens,
        )

    def advance(self, n: int = 1, *, tokens: int = 0) -> None:
        """Count `n` more units as done; `tokens`: length of these responses."""
        self.done += n
        self.ended_tokens += tokens
        self._on_change()

    def add_tokens(self, n: int) -> None:
        """Count tokens of responses that are not finished; an engine that calls this reports every token so."""
        self._streamed_tokens += n
        self._on_change()

    def stop(self) -> None:
        """Stop the clock."""
        self._stopped_s = self._clock()
