"""`metrics.jsonl`: one JSON object per step, keys `group/name`, append-only.

Two rules make a resumed run comparable with one never killed. Wall-clock values live under `time/` and nowhere else
(any other key ending in `_s` is refused). A step's row is one write of one line, so that after a kill only the last
line can be torn, and reading drops it.

JSON has no NaN or infinity: they are written as the strings "NaN", "Infinity" and "-Infinity", and `read_metrics`
turns these back into floats. It always gives the same object `math.nan`, so that two rows read back compare equal.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import naming_path, replace_file

Value = float | int | str
"""What one metric may be."""

FILE_NAME = "metrics.jsonl"
_KEY = re.compile(r"[a-z][a-z0-9_]*/[a-z0-9][a-z0-9_.@-]*")
_TO_TEXT = {math.inf: "Infinity", -math.inf: "-Infinity"}
_FROM_TEXT = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class MetricsLog:
    """Appends rows to `RUN/metrics.jsonl`; steps only go up.

    Each row reaches the operating system before `append` returns: a SIGKILL loses nothing that was appended. Opening
    drops a torn last line. Call `sync` before a checkpoint is published, so that a power cut cannot leave a checkpoint
    that is newer than its metrics.
    """

    def __init__(self, run_dir: Path) -> None:
        """Open (or create) the file of `run_dir`, which must exist.

        Raises:
            RunFolderError: the folder cannot be written, or a row of the file is damaged.
        """
        self.path = run_dir / FILE_NAME
        self._file = self._open()
        self.last_step = -1
        if self.path.stat().st_size:
            self._restart(read_metrics(self.path))

    def append(self, row: Mapping[str, Value]) -> None:
        """Write one step's row; it needs an integer `step` above every step written before.

        Raises:
            ValueError: a key that is not `group/name`, a `step` that does not go up, a duration outside `time/`.
            TypeError: a value that is no plain float, int or string (a tensor needs `.item()`).
            RunFolderError: the file system refused; the file ends after the row before.
        """
        step = _checked_step(row)
        if step <= self.last_step:
            raise ValueError(f"metrics row of step {step} after step {self.last_step}: steps must go up")
        line = encode_row(row)
        with naming_path(self.path, "append to"):
            self._write_whole(line)
        self.last_step = step

    def truncate_after(self, step: int) -> None:
        """Drop every row whose step is above `step`, in one atomic rename: what a resume from `step` will redo.

        Raises:
            RunFolderError: the file system refused, or a row of the file is damaged; the file is as before.
        """
        self._restart([row for row in read_metrics(self.path) if _checked_step(row) <= step])

    def sync(self) -> None:
        """Wait until every row is on the disk itself, not only with the operating system."""
        with naming_path(self.path, "sync"):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> BinaryIO:
        with naming_path(self.path, "open"):
            return self.path.open("ab", buffering=0)

    def _restart(self, rows: list[dict[str, Value]]) -> None:
        self._file.close()
        try:
            replace_file(self.path, b"".join(map(encode_row, rows)))
        finally:
            self._file = self._open()
        self.last_step = _checked_step(rows[-1]) if rows else -1

    def _write_whole(self, line: bytes) -> None:
        """Write all of `line` or nothing: a full disk may take half a line, which is then cut off again."""
        start, done = self._file.seek(0, os.SEEK_END), 0
        try:
            while done < len(line):
                done += self._file.write(line[done:])
        except OSError:
            with suppress(OSError):
                self._file.truncate(start)
            raise


def read_metrics(path: Path) -> list[dict[str, Value]]:
    """Read the rows of a `metrics.jsonl`, oldest first; a torn last line is left out, a missing file has no rows.

    Raises:
        RunFolderError: a line other than a torn last one is not a metrics row; the message has its number.
    """
    if not path.exists():
        return []
    with naming_path(path, "read"):
        lines = path.read_bytes().split(b"\n")
    return [_decode_row(line, f"{path}:{number}") for number, line in enumerate(lines[:-1], start=1)]


def encode_row(row: Mapping[str, Value]) -> bytes:
    """One row as a line of strict JSON; floats keep every digit (`repr`), so equal files mean equal numbers.

    Raises:
        ValueError: a bad key. TypeError: a bad value.
    """
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


def _checked_step(row: Mapping[str, Value]) -> int:
    step = row.get("step")
    if type(step) is not int or step < 0:
        raise ValueError(f"a metrics row needs an integer 'step' of at least 0, got {step!r}")
    return step


def _decode_row(line: bytes, where: str) -> dict[str, Value]:
    try:
        row = json.loads(line)
    except ValueError as error:  # also covers bytes that are no UTF-8
        raise RunFolderError(f"{where}: not a JSON row ({error}); delete this line to read the rest") from error
    if not isinstance(row, dict) or type(row.get("step")) is not int:
        raise RunFolderError(f"{where}: a metrics row needs an integer 'step'; delete this line to read the rest")
    return {key: _FROM_TEXT.get(value, value) if isinstance(value, str) else value for key, value in row.items()}
