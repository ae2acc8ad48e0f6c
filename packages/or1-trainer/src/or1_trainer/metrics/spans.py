"""What happened when, in one step of one rank: phases and engine requests, for traces and for OpenTelemetry.

The traces of a run are `trace/step_000003_rank0.json.gz` and so on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from or1_trainer.metrics.files import naming_path


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


def trace_path(run_dir: Path, step: int, rank: int) -> Path:
    """Return the file for one step (counted from 1) of one rank."""
    return run_dir / "trace" / f"step_{step:06d}_rank{rank}.json.gz"


def trace_files(run_dir: Path) -> list[Path]:
    """Return the traces of a run in the order of steps and ranks; raises `RunFolderError` for an unreadable folder."""
    with naming_path(run_dir / "trace", "list"):
        found = (run_dir / "trace").glob("step_*_rank*.json.gz")
        return sorted(found, key=lambda path: (len(path.name), path.name))
