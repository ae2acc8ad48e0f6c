"""The live view of a run: a panel on a terminal, a line every few seconds elsewhere.

Redraws are spaced so that they take at most 0.5% of the time; between them a call only compares times. A background
thread checks once a second whether the view is out of date, for phases that report nothing for long.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Self, TextIO

from or1_trainer.live.progress import Clock, Phase
from or1_trainer.live.run_progress import RunProgress
from or1_trainer.live.screens import Screen, screen_for

_DRAW_SHARE = 0.005
_TICK_S = 1.0
_FIRST_DRAW_S = 1.0
_LONGEST_GAP_S = 4.0


class LiveView:
    """Shows a run while it is executed; a context manager that restores the terminal however its body ends.

    Where it is not enabled (on all ranks but the first) nothing is shown, and phases still measure their time. When the
    terminal is closed the view shows nothing more, and the run continues.
    """

    def __init__(
        self,
        total_steps: int,
        enabled: bool = True,
        *,
        num_stages: int | None = None,
        stream: TextIO | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Prepare the view; nothing is shown before `with`.

        `total_steps` are those of all stages, including steps before a resume. With `num_stages` the stage is shown as
        in "stage 2/3". `stream` is where to write; None is standard error.
        """
        self.enabled = enabled
        self.progress = RunProgress(total_steps, num_stages=num_stages, clock=clock)
        self._clock = clock
        self._stream = stream
        self._screen = Screen()
        self._next_draw_s = 0.0
        self._costs_s: deque[float] = deque(maxlen=5)
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Start to show the run."""
        if self.enabled:
            self._screen = screen_for(self._stream or sys.stderr, self.progress)
            self._next_draw_s = self._clock() + min(self._screen.every_s, _FIRST_DRAW_S)
            threading.Thread(target=self._watch_staleness, name="live-view", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show the final state and release the terminal."""
        self._ended.set()
        with self._lock:
            screen, self._screen = self._screen, Screen()
            with contextlib.suppress(OSError):
                screen.close()

    @contextlib.contextmanager
    def phase(self, name: str, total: int | None = None, *, max_tokens: int | None = None) -> Iterator[Phase]:
        """Show a phase such as "rollout" (`total`: responses, `max_tokens`: limit of each), "update" or "eval".

        `with view.phase("rollout", total=64, max_tokens=1024) as phase: ... phase.advance(1, tokens=317)`
        """
        phase = Phase(name, total, max_tokens, clock=self._clock, on_change=self._draw_if_due)
        self.progress.phases.append(phase)
        self._draw_if_due()
        try:
            yield phase
        finally:
            phase.stop()
            self.progress.phases.remove(phase)
            self._draw_if_due()

    def add_tokens(self, n: int) -> None:
        """Count tokens that the engine has sampled, if the current phase is a rollout or an evaluation."""
        phase = self.progress.phase
        if phase is not None and phase.max_tokens is not None:
            phase.add_tokens(n)

    def step(self, metrics: Mapping[str, float | int | str]) -> None:
        """Show the metrics of a finished step, a row of `metrics.jsonl`."""
        if self.enabled:
            self.progress.add_step(metrics)
            self._draw_if_due()

    def note(self, text: str) -> None:
        """Show a message once, above the panel: a new stage, an alarm, a checkpoint."""
        if self.enabled:
            with self._lock, self._silenced_on_error():
                self._screen.say(text)

    def _draw_if_due(self) -> None:
        if self.enabled and self._clock() >= self._next_draw_s and self._lock.acquire(blocking=False):
            try:
                self._draw()
            finally:
                self._lock.release()

    def _draw(self) -> None:
        started_s = self._clock()
        with self._silenced_on_error():
            self._screen.draw()
        self._costs_s.append(self._clock() - started_s)
        # The fastest of recent draws; slower ones waited for other processes.
        gap_s = min(min(self._costs_s) / _DRAW_SHARE, _LONGEST_GAP_S)
        self._next_draw_s = started_s + max(self._screen.every_s, gap_s)

    @contextlib.contextmanager
    def _silenced_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError:  # the terminal or pipe is closed; training continues
            self._screen = Screen()

    def _watch_staleness(self) -> None:
        while not self._ended.wait(_TICK_S):
            if self._clock() >= self._next_draw_s + _TICK_S:
                self._draw_if_due()
