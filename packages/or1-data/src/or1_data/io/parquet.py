"""Rows to parquet in bounded memory: rows are spooled while the column types are found, then written in row groups.

`extra_info` may hold anything, but a column has one type: a key whose values do not agree over the rows is written as
JSON text (the reader gives it back as text), nothing is lost and nothing is guessed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from or1_data.errors import SourceError
from or1_data.schema import NOTES, Problem, row_of

_ROW_GROUP_BYTES: Final = 32 << 20
_JSON: Final = "json"
Shape = str | dict[str, Any] | tuple[str, Any]
"""Type of a value: a scalar's name, {key: shape} for an object, ("list", shape), or "json" where rows disagree."""


class Columns:
    """The types that `extra_info` needs, found from rows.

    Files that share it have the same columns, which `datasets.load_dataset` asks of the files of one set.
    """

    def __init__(self) -> None:
        """No rows seen yet."""
        self._shape: Shape | None = None

    @property
    def extra(self) -> dict[str, Any]:
        """The shape of `extra_info`, empty where no row has any."""
        return self._shape if isinstance(self._shape, dict) else {}

    def add(self, problem: Problem) -> None:
        """Take one more row into account."""
        extra = row_of(replace(problem, notes={}))["extra_info"] | ({NOTES: ""} if problem.notes else {})
        self._shape = _merge(self._shape, _shape(extra))


def write_parquet(path: Path, problems: Iterable[Problem], columns: Columns | None = None) -> int:
    """Write all problems; returns how many. `columns` may know of keys that other files have."""
    with tempfile.TemporaryFile(dir=path.parent) as spool:
        encoder, columns, count = msgspec.json.Encoder(), columns or Columns(), 0
        for problem in problems:
            columns.add(problem)
            spool.write(encoder.encode(row_of(problem, notes_as_text=True)) + b"\n")
            count += 1
        spool.seek(0)
        _write(path, spool, columns.extra)
    return count


def _write(path: Path, spool: IO[bytes], extra: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    fields: list[Any] = [
        ("data_source", text),
        ("prompt", pa.list_(pa.struct([("role", text), ("content", text)]))),
        ("ability", text),
        ("reward_model", pa.struct([("style", text), ("ground_truth", text)])),
    ]
    if extra:
        fields.append(("extra_info", _arrow(extra, pa)))
    schema = pa.schema(fields)
    try:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for rows in _groups(spool, extra):
                writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))
    except pa.ArrowException as error:
        raise SourceError(f"{path}: cannot be written as parquet ({error})") from error


def _groups(spool: IO[bytes], extra: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Rows in groups of at most `_ROW_GROUP_BYTES` of JSON: code rows carry 100 KB of tests each."""
    rows: list[dict[str, Any]] = []
    size = 0
    for line in spool:
        row = msgspec.json.decode(line)
        row["extra_info"] = _fit(row["extra_info"], extra)
        rows.append(row)
        size += len(line)
        if size > _ROW_GROUP_BYTES or len(rows) >= 8192:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


def _shape(value: object) -> Shape:
    if isinstance(value, Mapping):
        return {str(key): _shape(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        inner: Shape = "null"
        for entry in value:
            inner = _merge(inner, _shape(entry))
        return ("list", inner)
    if type(value) is int and not -(1 << 63) <= value < 1 << 63:
        return _JSON
    return {bool: "bool", int: "int", float: "float", str: "str", type(None): "null"}.get(type(value), _JSON)


def _merge(one: Shape | None, other: Shape) -> Shape:
    if one is None or one in ("null", other):
        return other
    if other == "null":
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _merge(one.get(key), other.get(key, "null")) for key in {**one, **other}}
    if isinstance(one, tuple) and isinstance(other, tuple):
        return ("list", _merge(one[1], other[1]))
    return "float" if {one, other} == {"int", "float"} else _JSON


def _arrow(shape: Shape, pa: Any) -> Any:
    if isinstance(shape, dict):
        return pa.struct([(key, _arrow(inner, pa)) for key, inner in shape.items()]) if shape else pa.string()
    if isinstance(shape, tuple):
        return pa.list_(_arrow(shape[1], pa))
    return {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}.get(shape, pa.string())


def _fit(value: Any, shape: Shape) -> Any:
    if value is None:
        return None
    if isinstance(shape, dict) and shape:
        return {key: _fit(entry, shape[key]) for key, entry in value.items()}
    if isinstance(shape, tuple):
        return [_fit(entry, shape[1]) for entry in value]
    if shape in (_JSON, {}):
        return json.dumps(value, ensure_ascii=False)
    return value
