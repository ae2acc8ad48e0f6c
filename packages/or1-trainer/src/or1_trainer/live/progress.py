"""What a live view knows: the phase now running, the last steps' numbers, the time left. No terminal in here."""

from __future__ import annotations

import itertools
import statistics
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

Clock = Callable[[], float]
_PACE_STEPS = 20
_HISTORY_STEPS = 400
_BARS = "▁▂▃▄▅▆▇█"


class Phase:
    """One phase of the loop while it runs: `with view.phase("rollout", total=64) as phase: ... phase.advance()`.

    `elapsed_s` is its duration so far, or in all once it has ended, so that the loop can log it under `time/`.
    """

    __slots__ = ("_clock", "_on_change", "_started_s", "_stopped_s", "done", "name", "total")

    def __init__(self, name: str, total: int | None, on_change: Callable[[Phase, bool], None], clock: Clock) -> None:
        """Start it; `on_change(phase, ended)` is told of every change."""
        self.name = name
        self.total = total
        self.done = 0
        self._clock = clock
        self._on_change = on_change
        self._started_s = clock()
        self._stopped_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start; fixed once the phase has ended."""
        return (self._clock() if self._stopped_s is None else self._stopped_s) - self._started_s

    def advance(self, n: int = 1) -> None:
        """Count `n` more units of the total as done."""
        self.done += n
        self._on_change(self, False)

    def stop(self) -> None:
        """End the phase; leaving the `with` block does this."""
        if self._stopped_s is None:
            self._stopped_s = self._clock()
            self._on_change(self, True)

    def __enter__(self) -> Self:
        """Give the phase itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the phase."""
        self.stop()


class Progress:
    """The numbers of a run as they come in; both forms of the view read from it."""

    def __init__(self, total_steps: int, *, num_stages: int | None = None, clock: Clock = time.perf_counter) -> None:
        """Start with a run of `total_steps` steps in all (over all stages, the steps before a resume included)."""
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
        """The innermost phase now running."""
        return self.phases[-1] if self.phases else None

    @property
    def step_s(self) -> float | None:
        """Median seconds from step to step over the last 20, evaluation and checkpoints included."""
        return statistics.median(self._paces_s) if self._paces_s else None

    @property
    def left_s(self) -> float | None:
        """Seconds to the last step at the mean pace of the last 20 steps; None before the first step."""
        if not self._paces_s:
            return None
        return statistics.fmean(self._paces_s) * max(self.total_steps - self.step, 0)

    def take(self, metrics: Mapping[str, float | int | str]) -> None:
        """Take in one step's row of metrics."""
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
        """The last value logged under `key`, where it is a number."""
        value = self.latest.get(key)
        return float(value) if isinstance(value, float | int) else None

    def history(self, key: str) -> list[float]:
        """The values logged under `key` at the last steps, oldest first."""
        return list(self._history.get(key, ()))


def sparkline(values: list[float], width: int) -> str:
    """Draw `values` as at most `width` block characters, from the lowest (▁) to the highest (█); each is a mean.

    Values that are not finite leave a gap; equal values make a flat middle line.
    """
    if not values or width < 1:
        return ""
    width = min(width, len(values))
    edges = [i * len(values) // width for i in range(width + 1)]
    means = [statistics.fmean(values[low:high]) for low, high in itertools.pairwise(edges)]
    finite = [mean for mean in means if abs(mean) < float("inf")]
    if not finite:
        return " " * width
    low, span = min(finite), max(finite) - min(finite)
    return "".join(_bar((mean - low) / span if span else 0.5) for mean in means)


def _bar(share: float) -> str:
    return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)] if 0.0 <= share <= 1.0 else " "


def trend(values: list[float], steps: int = 10) -> float | None:
    """Mean of the last `steps` values less the mean of the `steps` before them; None with too few values."""
    if len(values) < 2 * steps:
        return None
    return statistics.fmean(values[-steps:]) - statistics.fmean(values[-2 * steps : -steps])


def duration(seconds: float) -> str:
    """Seconds for people: `8s`, `1m05s`, `2h07m`, `3d04h`."""
    whole = round(seconds)
    for size, unit, below, below_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // below:02d}{below_unit}"
    return f"{whole}s"
