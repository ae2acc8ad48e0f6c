"""`read_source`: any file or hub set as problems, through a named or a recognised adapter."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from or1_data.errors import ConfigError, SchemaError, SourceError
from or1_data.io.problems import SetAside, locate
from or1_data.schema import Problem
from or1_data.sources.registry import ADAPTERS, Adapter, detect


def read_source(
    source: str | Path,
    adapter: str = "auto",
    *,
    name: str = "",
    where: Mapping[str, Sequence[Any]] | None = None,
    set_aside: SetAside | None = None,
) -> Iterator[Problem]:
    """The problems of a file or hub set.

    Args:
        source: a file (jsonl, json, parquet, gz) or a hub set (see `or1_data.io.hub`).
        adapter: a name of `ADAPTERS`, or `auto`: the columns of the first row decide.
        name: the `data_source` of rows that carry none; by default the file's or set's name.
        where: keeps raw rows whose column holds one of the values, e.g. `{"source": ["olympiads"]}`.
        set_aside: takes each broken row's error; None raises the first.

    Raises:
        SchemaError: a row that the adapter cannot read, naming file, line and key.
        SourceError: the file cannot be read, or its columns are unknown.
        ConfigError: no such adapter.
    """
    chosen = None if adapter == "auto" else _named(adapter)
    for file, line, row in locate(source):
        try:
            if isinstance(row, SchemaError):
                raise row
            if where and any(row.get(key) not in values for key, values in where.items()):
                continue
            chosen = chosen or _detected(row, file)
            yield chosen.convert(row, name or default_name(source))
        except SchemaError as error:
            if set_aside is None:
                raise error.at(file, line) from error
            set_aside(error.at(file, line))


def default_name(source: str | Path) -> str:
    """A file's name without its endings; a hub id as it is."""
    path = Path(source)
    return path.name.split(".")[0] if path.exists() or path.suffix else str(source)


def _named(adapter: str) -> Adapter:
    if adapter in ADAPTERS:
        return ADAPTERS[adapter]
    near = difflib.get_close_matches(adapter, ADAPTERS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(ADAPTERS)}"
    raise ConfigError(f"unknown source adapter {adapter!r}; {hint}")


def _detected(row: Mapping[str, Any], file: str) -> Adapter:
    try:
        return detect(row)
    except SourceError as error:
        raise SourceError(f"{file}: {error}") from error
