"""`metrics.jsonl`: one JSON object per step, keys `group/name`, append-only.

Two rules make a resumed run comparable with one that was never stopped. Durations have keys under `time/` only (any
other key ending in `_s` is an error). Each row is written in one call, so that a kill can only leave the last line
incomplete, and reading ignores an incomplete last line.

JSON has no NaN or infinity: they are written as the strings "NaN", "Infinity" and "-Infinity", which `read_metrics`
converts back. It always returns the object `math.nan`, so that rows with NaN compare equal.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import naming_path, replace_file

Value = float | int | str
"""Value of a metric."""

Row = Mapping[str, Value]
"""One line of the file: key -> value."""

FILE_NAME = "metrics.jsonl"
_KEY = re.compile(r"[a-z][a-z0-9_]*/[a-z0-9][a-z0-9_.@-]*")
_TO_TEXT = {math.inf: "Infinity", -math.inf: "-Infinity"}
_FROM_TEXT = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class MetricsLog:
    """Appends rows with increasing steps to `RUN/metrics.jsonl`.

    `append` returns after the row has reached the operating system, so that SIGKILL loses no row. Opening removes an
    incomplete last line. Call `sync` before a checkpoint becomes visible, so that after a power failure none is
    newer than its metrics.
    """

    last_step: int
    """Step of the last row, or -1."""

    def __init__(self, run_dir: Path) -> None:
        """Open or create the file in `run_dir`, which must exist.

        Raises:
            RunFolderError: the folder cannot be written, or a row of the file is damaged.
        """
        self.path = run_dir / FILE_NAME
        self._start_with(read_metrics(self.path))

    def append(self, row: Row) -> None:
        """Write the row of one step; its `step` must be an integer above all steps written before.

        Raises:
            ValueError: a key that is not `group/name`, a `step` that does not increase, a duration outside `time/`.
            TypeError: a value that is not a plain float, int or string (a tensor needs `.item()`).
            RunFolderError: the file system refused; the file ends with the previous row.
        """
        step = row.get("step")
        if type(step) is not int or step < 0:
            raise ValueError(f"a metrics row needs an integer 'step' of at least 0, got {step!r}")
        if step <= self.last_step:
            raise ValueError(f"metrics row of step {step} after step {self.last_step}: steps must increase")
        line = encode_row(row)
        with naming_path(self.path, "append to"):
            self._write_whole(line)
        self.last_step = step

    def truncate_after(self, step: int) -> None:
        """Remove all rows with a step above `step` in one atomic rename; a resume from `step` writes them again.

        Raises:
            RunFolderError: the file system refused, or a row is damaged; the file is unchanged.
        """
        kept = [row for row in read_metrics(self.path) if int(row["step"]) <= step]
        self._file.close()
        self._start_with(kept)

    def sync(self) -> None:
        """Wait until all rows are on the disk."""
        with naming_path(self.path, "sync"):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _start_with(self, rows: Sequence[Row]) -> None:
        """Replace the file by one with these rows, and open it."""
        replace_file(self.path, b"".join(map(encode_row, rows)))
        with naming_path(self.path, "open"):
            self._file = self.path.open("ab", buffering=0)
        self.last_step = int(rows[-1]["step"]) if rows else -1

    def _write_whole(self, line: bytes) -> None:
        """Write all of `line` or nothing; the part of a line that a full disk accepts is removed again."""
        start, done = self._file.seek(0, os.SEEK_END), 0
        try:
            while done < len(line):
                done += self._file.write(line[done:])
        except OSError:
            with suppress(OSError):
                self._file.truncate(start)
            raise


def read_metrics(path: Path) -> list[dict[str, Value]]:
    """Read the rows of `metrics.jsonl`, oldest first, without an incomplete last line; a missing file has no rows.

    Raises:
        RunFolderError: a complete line is not a row of metrics; the message has its number.
    """
    if not path.exists():
        return []
    with naming_path(path, "read"):
        lines = path.read_bytes().split(b"\n")
    return [decode_row(line, f"{path}:{number}") for number, line in enumerate(lines[:-1], start=1)]


def number(row: Row, key: str) -> float:
    """Return the number under a key; NaN where there is none."""
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else math.nan


def names(rows: Iterable[Row], before: str, after: str = "") -> list[str]:
    """Return what stands between `before` and `after` in the keys of the rows, once each and in order."""
    keys = dict.fromkeys(key for row in rows for key in row if key.startswith(before) and key.endswith(after))
    return [key.removeprefix(before).removesuffix(after) for key in keys]


def encode_row(row: Row) -> bytes:
    """Return a row as strict JSON with all digits; raises `ValueError` for a bad key, `TypeError` for a bad value."""
    return json.dumps({key: _checked(key, row[key]) for key in row}, allow_nan=False).encode() + b"\n"


def _checked(key: str, value: Value) -> Value:
    if key != "step" and not _KEY.fullmatch(key):
        raise ValueError(f"metric key {key!r} is not of the form group/name in lower case")
    if key.endswith("_s") and not key.startswith("time/"):
        raise ValueError(f"metric {key!r} is a duration: wall-clock values go under time/ only")
    if type(value) not in (float, int, str):
        raise TypeError(f"metric {key!r} is a {type(value).__name__}; give a plain float, int or str")
    if isinstance(value, float) and not math.isfinite(value):
        return _TO_TEXT.get(value, "NaN")
    return value


def decode_row(line: bytes, where: str) -> dict[str, Value]:
    """Return one line of the file as a row; raises `RunFolderError` that names `where` if it is none."""
    try:
        row = json.loads(line)
    except ValueError as error:  # also covers bytes that are no UTF-8
        raise RunFolderError(f"{where}: not a JSON row ({error}); delete this line to read the rest") from error
    if not isinstance(row, dict) or type(row.get("step")) is not int:
        raise RunFolderError(f"{where}: a metrics row needs an integer 'step'; delete this line to read the rest")
    return {key: _FROM_TEXT.get(value, value) if isinstance(value, str) else value for key, value in row.items()}
