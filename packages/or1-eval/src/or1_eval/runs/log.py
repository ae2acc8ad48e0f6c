"""An append-only file of JSON lines that survives the death of its writer."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from or1_eval.errors import RunFolderError

SYNC_EVERY_S = 1.0
"""Each line reaches the kernel at once, so a killed process loses none; the disk at least this often."""


class JsonlLog:
    """Appends rows, one line each, from any thread.

    Opening repairs the end: a line that the writer's death cut off is dropped, so the sample in it is drawn again.
    """

    def __init__(self, path: Path) -> None:
        """Open for appending, after the last whole line."""
        _drop_torn_line(path)
        self._file = path.open("ab")
        self._lock = threading.Lock()
        self._synced_s = time.monotonic()

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row; a row is whole in the file or not there."""
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()
            if time.monotonic() - self._synced_s > SYNC_EVERY_S:
                os.fsync(self._file.fileno())
                self._synced_s = time.monotonic()

    def close(self) -> None:
        """Sync and close."""
        with self._lock:
            if not self._file.closed:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a log; none where there is no file. A last line without its end is passed over.

    Raises:
        RunFolderError: a line that is whole but no JSON object: something else has written here.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = json.loads(line.decode("utf-8", "surrogatepass"))
            except ValueError as error:
                raise RunFolderError(
                    f"{path}, line {number} is damaged ({error}); remove that line to continue"
                ) from error
            yield row


def _drop_torn_line(path: Path) -> None:
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                if start + newline + 1 < size:
                    file.truncate(start + newline + 1)
                return
            end = start
        file.truncate(0)
