"""The calls of a store by key: in memory while they are few, in a temporary file as soon as they are many."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from or1_data.errors import RunError

Entry = tuple[bytes, int, bytes]
"""Key, number, and the line of the call."""

_CACHE_KB: Final = 8 << 10
_TABLE: Final = "CREATE TABLE calls (key BLOB, number INTEGER, line BLOB)"
_INDEX: Final = "CREATE INDEX IF NOT EXISTS by_key ON calls (key, number)"
_ADD: Final = "INSERT INTO calls VALUES (?, ?, ?)"
_GET: Final = "SELECT line FROM calls WHERE key = ? AND number = ? ORDER BY rowid DESC LIMIT 1"


class CallIndex:
    """Lines by key and number; of two with the same, the later one counts. Safe in threads.

    It is nothing but an index: SQLite's temporary database is filled from the store's files when they are opened, and
    is gone with the process. So it needs no lock between machines and no journal.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        with _explained():
            self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self.close = weakref.finalize(self, self._database.close)
            for statement in (f"PRAGMA cache_size = -{_CACHE_KB}", "PRAGMA journal_mode = OFF", _TABLE):
                self._database.execute(statement)

    def fill(self, entries: Iterable[Entry]) -> None:
        """Add many entries."""
        with self._lock, _explained():
            self._database.execute("BEGIN")
            try:
                self._database.executemany(_ADD, entries)
            finally:
                self._database.execute("COMMIT")  # what the files before a damaged one had
            self._database.execute(_INDEX)  # after the first filling: sorting once costs less than keeping in order

    def add(self, entry: Entry) -> None:
        """Add one entry."""
        with self._lock, _explained():
            self._database.execute(_ADD, entry)

    def get(self, key: bytes, number: int) -> bytes | None:
        """The line with this key and number."""
        with self._lock, _explained():
            found = self._database.execute(_GET, (key, number)).fetchone()
        return None if found is None else bytes(found[0])


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise RunError(
            f"the index of paid calls cannot be kept in a temporary file ({error}); free some space there, "
            "or set TMPDIR to a folder with more"
        ) from error
