"""What happened when, in one step of one rank: phases and engine requests, for traces and for OpenTelemetry."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Span:
    """Something that began and ended; times are nanoseconds since 1970."""

    kind: Literal["phase", "request"]
    name: str
    begin_ns: int
    end_ns: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)


class SpanLog:
    """Collects spans from any thread, where somebody wants them."""

    def __init__(self, *, wanted: bool = False) -> None:
        """Without `wanted` nothing is kept."""
        self._wanted, self._spans, self._lock = wanted, list[Span](), threading.Lock()

    def add(self, kind: Literal["phase", "request"], name: str, begin_ns: int, **attributes: str | int) -> None:
        """Keep what began then and ends now."""
        if self._wanted:
            with self._lock:
                self._spans.append(Span(kind, name, begin_ns, time.time_ns(), attributes))

    def take(self) -> list[Span]:
        """What has ended since the last call, in that order."""
        with self._lock:
            spans, self._spans = self._spans, []
        return spans
