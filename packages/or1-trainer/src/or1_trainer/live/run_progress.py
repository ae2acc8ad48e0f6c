"""State of a run that the live view shows: current phases, metrics of recent steps, pace, time left."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict, deque
from collections.abc import Mapping

from or1_trainer.live.progress import Clock, Phase

_PACE_STEPS = 20
_HISTORY_STEPS = 400


class RunProgress:
    """State of a run; the panel and the lines are drawn from it."""

    def __init__(self, total_steps: int, *, num_stages: int | None = None, clock: Clock = time.perf_counter) -> None:
        """`total_steps`: of all stages, including steps before a resume."""
        self.total_steps = total_steps
        self.num_stages = num_stages
        self.step = 0
        self.phases: list[Phase] = []
        self.latest: dict[str, float | int | str] = {}
        self._clock = clock
        self._history: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_HISTORY_STEPS))
        self._paces_s: deque[float] = deque(maxlen=_PACE_STEPS)
        self._last_step_s: float | None = None

    @property
    def phase(self) -> Phase | None:
        """Return the innermost running phase."""
        return self.phases[-1] if self.phases else None

    @property
    def step_s(self) -> float | None:
        """Median seconds from step to step over the last 20, including evaluation and checkpoints."""
        return statistics.median(self._paces_s) if self._paces_s else None

    @property
    def left_s(self) -> float | None:
        """Seconds to the last step at the mean pace of the last 20; None before the first step."""
        if not self._paces_s:
            return None
        return statistics.fmean(self._paces_s) * max(self.total_steps - self.step, 0)

    def add_step(self, metrics: Mapping[str, float | int | str]) -> None:
        """Add the metrics of a finished step."""
        now_s = self._clock()
        first_pace = metrics.get("time/step_s")
        if self._last_step_s is not None:
            self._paces_s.append(now_s - self._last_step_s)
        elif isinstance(first_pace, float):
            self._paces_s.append(first_pace)
        self._last_step_s = now_s
        self.step = int(metrics.get("step", self.step + 1))
        self.latest.update(metrics)
        for key, value in metrics.items():
            if isinstance(value, float):
                self._history[key].append(value)

    def number(self, key: str) -> float | None:
        """Return the last value logged under `key`, if it is a number."""
        value = self.latest.get(key)
        return float(value) if isinstance(value, float | int) else None

    def history(self, key: str) -> list[float]:
        """Return the values logged under `key` at recent steps, oldest first."""
        return list(self._history.get(key, ()))
