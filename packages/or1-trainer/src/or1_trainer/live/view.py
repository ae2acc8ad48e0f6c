"""The live view of a run: a small panel on a terminal, a line every few seconds anywhere else.

It costs a training step next to nothing: between two redraws every call is a comparison of times, and redraws are so
far apart that they take at most 0.5% of the time on any terminal that takes a frame in 20 ms. A quiet background thread
looks once a second whether a long phase has left the view stale.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, TextIO

from or1_trainer.live.progress import Clock, Phase, Progress
from or1_trainer.live.screens import Nothing, Screen, screen_for

_DRAW_SHARE = 0.005
_TICK_S = 1.0
_LONGEST_GAP_S = 4.0


class LiveView:
    """Shows a run while it goes on; a context manager that leaves the terminal clean however the body ends.

    With `enabled` false (ranks other than 0, `--quiet`) nothing is shown; phases still measure their time. A terminal
    that goes away silences the view and never stops the run.
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
        """Prepare a view of a run of `total_steps` steps in all; nothing is shown before `with`.

        Args:
            total_steps: over all stages, the steps before a resume included.
            enabled: whether to show anything.
            num_stages: for "stage 2/3"; without it only the stage's number is shown.
            stream: where to write; standard error when None.
            clock: for tests.
        """
        self.enabled = enabled
        self.progress = Progress(total_steps, num_stages=num_stages, clock=clock)
        self._clock = clock
        self._stream = stream
        self._screen: Screen = Nothing()
        self._next_draw_s = 0.0
        self._costs_s: deque[float] = deque(maxlen=5)
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Take the terminal, where there is one."""
        if self.enabled:
            self._screen = screen_for(self._stream or sys.stderr, self.progress)
            self._next_draw_s = self._clock() + self._screen.every_s
            threading.Thread(target=self._watch_staleness, name="live-view", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the last state and give the terminal back."""
        self._ended.set()
        with self._lock:
            screen, self._screen = self._screen, Nothing()
            with contextlib.suppress(OSError):
                screen.close()

    def phase(self, name: str, total: int | None = None) -> Phase:
        """Begin a phase: "warm start", "rollout" (total: groups), "verify", "update", "push", "eval", "checkpoint"."""
        phase = Phase(name, total, self._on_phase, self._clock)
        self.progress.phases.append(phase)
        self._draw_if_due()
        return phase

    def step(self, metrics: Mapping[str, float | int | str]) -> None:
        """Take in the row of a finished step, as it goes into `metrics.jsonl`."""
        if self.enabled:
            self.progress.take(metrics)
            self._draw_if_due()

    def note(self, text: str) -> None:
        """Say something once, above the panel: a stage that begins, an alarm, a checkpoint written."""
        if self.enabled:
            with self._lock, self._silenced_on_error():
                self._screen.say(text)

    def _on_phase(self, phase: Phase, ended: bool) -> None:
        if ended:
            with contextlib.suppress(ValueError):  # already gone, when the view was given a phase twice
                self.progress.phases.remove(phase)
        self._draw_if_due()

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
        # The cheapest of the last draws: a dearer one was held up by whoever else uses the processor.
        gap_s = min(min(self._costs_s) / _DRAW_SHARE, _LONGEST_GAP_S)
        self._next_draw_s = started_s + max(self._screen.every_s, gap_s)

    @contextlib.contextmanager
    def _silenced_on_error(self) -> Iterator[None]:
        try:
            yield
        except OSError:  # the terminal or pipe is gone: training matters more than watching it
            self._screen = Nothing()

    def _watch_staleness(self) -> None:
        while not self._ended.wait(_TICK_S):
            if self._clock() >= self._next_draw_s + _TICK_S:
                self._draw_if_due()
