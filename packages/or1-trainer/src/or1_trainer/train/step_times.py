"""Wall time of the phases of one step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from torch.profiler import record_function

from or1_trainer.live.progress import Phase
from or1_trainer.live.view import LiveView
from or1_trainer.metrics.spans import SpanLog


class StepTimes:
    """Times the phases of a step, and shows each in the live view while it runs."""

    def __init__(self, view: LiveView, spans: SpanLog | None = None) -> None:
        """Start the step's clock; the phases also go to `spans`."""
        self._view, self._spans, self._started = view, spans or SpanLog(), time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str, total: int | None = None, *, max_tokens: int | None = None) -> Iterator[Phase]:
        """Add the time spent inside to `time/<name>_s`, named so in a trace; for the rest see `LiveView.phase`."""
        begin_ns = time.time_ns()
        with self._view.phase(name, total, max_tokens=max_tokens) as phase, record_function(name):
            yield phase
        self._seconds[name] = self._seconds.get(name, 0.0) + phase.elapsed_s
        self._spans.add("phase", name, begin_ns)

    def metrics(self) -> dict[str, float]:
        """`time/*_s`, with the whole `step` and, as `other`, what lies between the phases."""
        total = time.perf_counter() - self._started
        other = total - sum(self._seconds.values())
        return {f"time/{name}_s": value for name, value in {**self._seconds, "other": other, "step": total}.items()}
