"""What can go wrong at each boundary of or1-data; every message says what, where and what to do."""

from __future__ import annotations


class DataError(Exception):
    """Any failure that or1-data explains to its user."""


class SchemaError(DataError):
    """A row is not what the format or a source's adapter expects.

    `file`, `line` (counted from 1; for parquet and hub sets the row number) and `key` say where.
    """

    def __init__(self, problem: str, *, file: str = "", line: int = 0, key: str = "", todo: str = "") -> None:
        super().__init__(problem, file, line, key, todo)
        self.problem, self.file, self.line, self.key, self.todo = problem, file, line, key, todo

    def at(self, file: str, line: int) -> SchemaError:
        """The same error with its place in a file."""
        return SchemaError(self.problem, file=file, line=line, key=self.key, todo=self.todo)

    def __str__(self) -> str:
        place = f"{self.file or 'row'}" + (f", line {self.line}" if self.line else "")
        key = f", key {self.key!r}" if self.key else ""
        return f"{place}{key}: {self.problem}" + (f"; {self.todo}" if self.todo else "")


class SourceError(DataError):
    """A file or hub set cannot be opened, or its rows are of no known kind."""


class ConfigError(DataError):
    """A recipe or a command-line value is wrong; the message names the key and the nearest known one."""


class GuardError(DataError):
    """A stage or the selection would take away more of a source than the guard allows."""


class EndpointError(DataError):
    """An HTTP endpoint (judge, sampler) failed after all its retries."""


class RunError(DataError):
    """A run folder is in use, damaged, or was made by another recipe."""
