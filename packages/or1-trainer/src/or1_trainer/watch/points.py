"""Rows of a `metrics.jsonl` that may still be written, read incrementally, and thinned for charts.

Only what was appended is read again. A resumed run replaces the file; then everything is read anew, under another
generation. Nothing in the file raises: a damaged line is skipped and reported as a message.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.alarms import Alarm, AlarmMonitor
from or1_trainer.metrics.log import FILE_NAME, Value, decode_row

Points = list[tuple[int, float]]
"""(step, value), in the order of steps."""

MOST_POINTS = 1000
MOST_MESSAGES = 5

_COMPARED = 4096
"""Bytes before the offset that must still be there: an inode tells nothing, a replacing file may get the old one."""


class MetricsTail:
    """The rows of a run's `metrics.jsonl` so far; `poll` reads what is new."""

    def __init__(self, run_dir: Path) -> None:
        """Read nothing yet; the file need not exist."""
        self.path = run_dir / FILE_NAME
        self.generation = 0
        """Grows whenever rows that were read may have gone: the file was replaced or cut."""
        self._seen = b""
        """The last bytes that were read."""
        self._forget()

    def poll(self) -> None:
        """Read the complete lines that were added."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset - len(self._seen))
                content = file.read()
        except FileNotFoundError:
            content = b""
        except OSError as error:
            self._report(f"{self.path} cannot be read: {error.strerror}")
            return
        if not content.startswith(self._seen):
            self.generation += 1
            self._forget()
            self.poll()
            return
        complete = content[len(self._seen) : content.rfind(b"\n") + 1]
        self._offset += len(complete)
        self._seen = (self._seen + complete)[-_COMPARED:]
        for line in complete.splitlines():
            self._lines += 1
            self._add(line)

    def points(self, key: str) -> Points:
        """Return (step, value) of every row that has a number under `key`; NaN and infinities included."""
        return self._columns.get(key, [])

    def numeric_keys(self) -> list[str]:
        """Return all keys with numbers, in order."""
        return sorted(self._columns)

    def _add(self, line: bytes) -> None:
        try:
            row = decode_row(line, f"{self.path}:{self._lines}")
        except RunFolderError as error:
            self._report(str(error))
            return
        if self.rows and int(row["step"]) <= int(self.rows[-1]["step"]):
            self._report(f"{self.path}:{self._lines}: step {row['step']} comes after {self.rows[-1]['step']}; left out")
            return
        self.rows.append(row)
        for key, value in row.items():
            if isinstance(value, int | float) and key != "step":
                self._columns.setdefault(key, []).append((int(row["step"]), value))
        self.alarms += self._monitor.update(row)

    def _report(self, message: str) -> None:
        """Keep the first messages."""
        if message not in self.messages and len(self.messages) < MOST_MESSAGES:
            self.messages.append(message)

    def _forget(self) -> None:
        self._offset = self._lines = 0
        self._seen = b""
        self._columns: dict[str, Points] = {}
        self._monitor = AlarmMonitor()
        self.rows: list[dict[str, Value]] = []
        self.alarms: list[Alarm] = []
        self.messages: list[str] = []
        """What is damaged, for people."""


def thinned(points: Sequence[tuple[int, float]], most: int = MOST_POINTS) -> Points:
    """Return at most about `most` points with the lowest and the highest value of every stretch, so that spikes stay.

    Values that are not finite are kept, as the first and the last point are.
    """
    if len(points) <= most:
        return list(points)
    width = math.ceil(2 * len(points) / most)
    kept = {0, len(points) - 1}
    for start in range(0, len(points), width):
        stretch = range(start, min(start + width, len(points)))
        finite = [index for index in stretch if math.isfinite(points[index][1])]
        kept.update(index for index in stretch if not math.isfinite(points[index][1]))
        if finite:
            kept.add(min(finite, key=lambda index: points[index][1]))
            kept.add(max(finite, key=lambda index: points[index][1]))
    return [points[index] for index in sorted(kept)]
