"""How far a run of samples is, how fast it goes and how long the rest takes."""

from __future__ import annotations

import math
import threading
import time
from typing import Final

_FEW: Final = 8
_SHARE: Final = 0.05
"""From this many ended samples and this share of all on, the rest is estimated from them. Before, the shortest ones
have ended, which say too little of the others."""


class Pace:
    """Counts samples and tokens from any thread.

    `done` and `total` are samples, `ended_here` and `tokens_here` those of this session. Tokens of samples that are
    still being drawn count too, where the engine tells of them.
    """

    def __init__(self, total: int, max_new_tokens: int) -> None:
        """Start the clock."""
        self.total, self.done = total, 0
        self.ended_here = self.tokens_here = 0
        self._max_new_tokens = max_new_tokens
        self._is_streamed = False
        self._lock = threading.Lock()
        self._started_s = time.monotonic()

    def add_tokens(self, number: int) -> None:
        """Count tokens of samples that are being drawn."""
        with self._lock:
            self._is_streamed = True
            self.tokens_here += number

    def add_sample(self, num_tokens: int) -> None:
        """Count a sample that has ended; -1 tokens where nobody counted."""
        with self._lock:
            self.done += 1
            self.ended_here += 1
            if not self._is_streamed:
                self.tokens_here += max(num_tokens, 0)

    def __str__(self) -> str:
        """`412/960 samples, 1,204,112 tokens, 41,200 tokens/s, about 3 min left`."""
        elapsed_s = time.monotonic() - self._started_s
        parts = [f"{self.done}/{self.total} samples"]
        if self.tokens_here:
            parts += [f"{self.tokens_here:,} tokens", f"{self.tokens_here / elapsed_s:,.0f} tokens/s"]
        rest = time_left(
            left=self.total - self.done,
            total=self.total,
            ended=self.ended_here,
            tokens=self.tokens_here,
            elapsed_s=elapsed_s,
            max_new_tokens=self._max_new_tokens,
        )
        return ", ".join([*parts, rest] if rest else parts)


def time_left(
    *,
    left: int,
    total: int,
    ended: int,
    tokens: int,
    elapsed_s: float,
    max_new_tokens: int,
    unfinished_tokens: int = 0,
) -> str:
    """`about 3 min left` from the samples that ended; before enough have, `at most 2.1 h left` from the token limit.

    The limit also bounds the former: where all samples are long and end together, few have ended for most of the time.
    `unfinished_tokens`: those of the `tokens` whose samples have not ended.
    """
    if left <= 0 or elapsed_s <= 0:
        return ""
    most_s = (left * max_new_tokens - unfinished_tokens) * elapsed_s / tokens if tokens else math.inf
    if ended >= max(min(_FEW, total / 2), _SHARE * total) and (about_s := left * elapsed_s / ended) <= most_s:
        return f"about {spoken_time(about_s)} left"
    return f"at most {spoken_time(most_s)} left" if tokens else ""


def spoken_time(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
