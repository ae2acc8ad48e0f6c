"""A watched run: its rows and its rollouts, read by one thread at a time, as the plain data that the page gets."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from or1_trainer.metrics.rollout_log import RolloutRecord
from or1_trainer.report.charts import PLOTS
from or1_trainer.report.read_run import check_run_dir
from or1_trainer.watch.points import MetricsTail, thinned
from or1_trainer.watch.query import Entry, Query
from or1_trainer.watch.rollouts import RolloutIndex

_BEGINNING = 160
"""Characters of a response in the table."""


class WatchedRun:
    """One run folder; every method may be called from any thread."""

    def __init__(self, run_dir: Path, name: str) -> None:
        """Read nothing yet; raises `RunFolderError` for a folder that is none of a run."""
        check_run_dir(run_dir)
        self.name = name
        self._tail, self._index = MetricsTail(run_dir), RolloutIndex(run_dir)
        self._tail_lock, self._index_lock = threading.Lock(), threading.Lock()

    def state(self) -> dict[str, Any]:
        """Read what is new; return what tells a page whether to ask for more."""
        with self._tail_lock:
            self._tail.poll()
            rows = self._tail.rows
            return {
                "name": self.name,
                "generation": self._tail.generation,
                "rows": len(rows),
                "last": rows[-1]["step"] if rows else None,
                "messages": self._tail.messages,
                "alarms": [asdict(alarm) for alarm in self._tail.alarms],
            }

    def read_ahead(self) -> None:
        """Read the rows now and the rollouts in a thread of its own, so that the page finds them ready."""
        self.state()
        threading.Thread(target=self.rollouts, args=(Query(limit=0),), daemon=True).start()

    def points(self, *, low: int, high: int) -> dict[str, Any]:
        """Return every charted series from step `low` to step `high`, thinned, as key -> [steps, values]."""
        with self._tail_lock:
            found = {key: self._tail.points(key) for key in self._tail.numeric_keys() if key in _CHARTED}
            inside = {key: [point for point in points if low <= point[0] <= high] for key, points in found.items()}
            series = {key: list(zip(*thinned(points), strict=True)) for key, points in inside.items() if points}
            return {"generation": self._tail.generation, "series": series, "phases": self._phases(low, high)}

    def _phases(self, low: int, high: int) -> dict[str, Any]:
        """Seconds of every phase at the same steps, so that they can be stacked; thinned by the whole step's."""
        whole = [point for point in self._tail.points("time/step_s") if low <= point[0] <= high]
        steps = [step for step, _ in thinned(whole)]
        rows = {row["step"]: row for row in self._tail.rows}
        keys = [key for key in self._tail.numeric_keys() if key.startswith("time/") and key != "time/step_s"]
        return {"steps": steps, "seconds": {key[5:-2]: [rows[step].get(key, 0.0) for step in steps] for key in keys}}

    def rollouts(self, query: Query) -> dict[str, Any]:
        """Return one page of the table of rollouts."""
        with self._new_index() as index:
            page = index.search(query)
            return {
                "all": len(index),
                "total": page.total,
                "statuses": index.statuses,
                "messages": index.messages,
                "rows": [_row(entry, record) for entry, record in page.rows],
            }

    def rollout(self, step: int, number: int) -> dict[str, Any] | None:
        """Return one whole rollout, or None."""
        with self._new_index() as index:
            record = index.record(step, number)
            return None if record is None else msgspec.structs.asdict(record)

    def of_problem(self, problem: str, near: int) -> list[dict[str, Any]]:
        """Return the whole responses to a problem at the step nearest to `near`."""
        with self._new_index() as index:
            found = index.of_problem(problem, near)
            return [{"step": entry.step, "number": entry.number, **msgspec.structs.asdict(r)} for entry, r in found]

    @contextmanager
    def _new_index(self) -> Iterator[RolloutIndex]:
        """The index as the files are now."""
        with self._index_lock:
            self._index.refresh()
            yield self._index


def watched_runs(run_dirs: Sequence[Path]) -> list[WatchedRun]:
    """Return the runs under their folders' names, or under their paths where names repeat. Raises `RunFolderError`."""
    names = [path.resolve().name for path in run_dirs]
    pairs = zip(run_dirs, names, strict=True)
    return [WatchedRun(path, name if names.count(name) == 1 else str(path)) for path, name in pairs]


def plots() -> list[dict[str, Any]]:
    """Return the charts of the report: title, caption, and (key, label) of their lines."""
    return [{"title": plot.title, "caption": plot.caption, "lines": list(plot.lines.items())} for plot in PLOTS]


_CHARTED = frozenset(key for plot in PLOTS for key in plot.lines)


def _row(entry: Entry, record: RolloutRecord) -> dict[str, Any]:
    return {
        "step": entry.step,
        "number": entry.number,
        **msgspec.structs.asdict(entry.head),
        "tokens": record.tokens is not None,
        "beginning": record.response[:_BEGINNING],
    }
