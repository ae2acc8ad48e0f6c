"""`read_source`: any file or hub set as problems, through a named or a recognized adapter."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from or1_data.errors import ConfigError, SchemaError, SourceError
from or1_data.io.files import is_local
from or1_data.io.located import Located
from or1_data.io.problems import SetAside, Source, locate
from or1_data.schema import Problem
from or1_data.sources.convert import Columns, convert_row
from or1_data.sources.registry import ADAPTERS, Adapter, detect
from or1_data.text.wrapping import without_wrapping
from or1_data.verifying import load_object

_UNKNOWN_ROWS: Final = 200
"""After so many rows that no adapter knows, none is expected to come."""


def read_source(
    source: Source,
    adapter: str = "auto",
    *,
    name: str = "",
    columns: Mapping[str, Any] | None = None,
    where: Mapping[str, Sequence[Any]] | None = None,
    set_aside: SetAside | None = None,
) -> Iterator[Problem]:
    """The problems of files or of a hub set; instructions that the rows share are apart from the statements.

    Args:
        source: a file, a folder or pattern of files, several of them, or a hub set (see `or1_data.io.hub`).
        adapter: a name of `ADAPTERS`, `package.module:function` of your own, or `auto`: the first row that an adapter
            knows decides.
        name: the `data_source` of rows that carry none; by default the file's or set's name.
        columns: names of the columns, in place of an adapter (see `or1_data.sources.convert.Columns`).
        where: keeps raw rows whose column holds one of the values, e.g. `{"source": ["olympiads"]}`.
        set_aside: takes each broken row's error; None raises the first.

    Raises:
        SchemaError: a row that the adapter cannot read, naming file, line and key.
        SourceError: a file cannot be read, or no adapter knows its rows.
        ConfigError: no such adapter.
    """
    reader = RowReader(name or default_name(source), adapter, columns or {}, where or {})
    return without_wrapping(_problems(source, reader, set_aside))


def _problems(source: Source, reader: RowReader, set_aside: SetAside | None) -> Iterator[Problem]:
    for located in locate(source):
        try:
            problem = reader.problem(located)
            if problem is not None:
                yield problem
        except SchemaError as error:
            if set_aside is None:
                reader.end()
                raise error.at(located.file, located.line) from error
            set_aside(error.at(located.file, located.line))
    reader.end()


class RowReader:
    """Converts the raw rows of one source, in order."""

    def __init__(
        self, name: str, adapter: str = "auto", columns: Mapping[str, Any] | None = None,
        where: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:  # fmt: skip
        """Look the adapter up; see `read_source`. Raises `ConfigError` where there is none of that name."""
        self.name, self._where = name, where or {}
        if columns and adapter != "auto":
            raise ConfigError(f"source {name}: give columns or an adapter, not both")
        self._adapter = Columns(columns).adapter() if columns else adapter_of(adapter)
        self._unknown: SourceError | None = None
        self._num_unknown = 0

    def problem(self, located: Located) -> Problem | None:
        """The problem of a row, None where `where` leaves it out. Raises `SchemaError` for a broken row."""
        if isinstance(located.row, SchemaError):
            raise located.row
        if any(located.row.get(key) not in values for key, values in self._where.items()):
            return None
        return convert_row(self.recognize(located), located.row, self.name, located.file, located.line)

    def recognize(self, located: Located) -> Adapter:
        """The adapter of this source.

        Raises:
            SchemaError: no adapter knows this row, and none was found before.
            SourceError: the same of very many rows.
        """
        if self._adapter is None and not isinstance(located.row, SchemaError):
            try:
                self._adapter = detect(located.row)
            except SourceError as error:
                self._unknown, self._num_unknown = SourceError(f"{located.file}: {error}"), self._num_unknown + 1
                if self._num_unknown >= _UNKNOWN_ROWS:
                    self.end()
                raise SchemaError(str(error), todo="drop the row") from error
        if self._adapter is None:
            raise SchemaError("no adapter recognized a row before this one", todo="drop the row")
        return self._adapter

    def end(self) -> None:
        """The source has ended: raises `SourceError` if no adapter was found for any row."""
        if self._adapter is None and self._unknown is not None:
            raise self._unknown


def default_name(source: Source) -> str:
    """A file's or folder's name without its endings; a hub id as it is."""
    first = source if isinstance(source, str | Path) else next(iter(source), "")
    path = Path(first)
    if not (is_local(str(first)) or path.suffix):
        return str(first)
    named = path.name.split(".")[0].strip("*?-_")
    return named or path.parent.name


def adapter_of(name: str) -> Adapter | None:
    """The adapter with this name, None for `auto`; `package.module:function` is one of the user's own.

    Raises:
        ConfigError: no such adapter; the message names the nearest.
    """
    if name == "auto":
        return None
    if ":" in name:
        return Adapter(name, frozenset(), load_object(name, "adapter"))
    if name in ADAPTERS:
        return ADAPTERS[name]
    near = difflib.get_close_matches(name, ADAPTERS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(ADAPTERS)}, or package.module:function"
    raise ConfigError(f"unknown source adapter {name!r}; {hint}")
