"""Rows of parquet, Arrow and csv files, read piece by piece.

Each row is yielded as a `Located`: the file, the number of the row from 1, and its columns or the error in it.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from or1_data.errors import SchemaError, SourceError
from or1_data.io.located import Located

_BATCH: Final = 1024  # rows turned into Python objects at a time


def parquet_rows(path: Path) -> Iterator[Located]:
    """The rows of a parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield from _of_batches(file.iter_batches(batch_size=_BATCH), path)
    except pa.ArrowException as error:
        raise SourceError(f"{path}: not a readable parquet file ({error})") from error


def arrow_rows(path: Path) -> Iterator[Located]:
    """The rows of an Arrow stream (what `datasets` keeps on disk) or an Arrow file."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as source:
            try:
                batches: Any = pa.ipc.open_stream(source)
            except pa.ArrowInvalid:
                reader = pa.ipc.open_file(source)
                batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
            yield from _of_batches((part for batch in batches for part in _pieces(batch)), path)
    except pa.ArrowException as error:
        raise SourceError(f"{path}: not a readable arrow file ({error})") from error


def _pieces(batch: Any) -> Iterator[Any]:
    return (batch.slice(start, _BATCH) for start in range(0, batch.num_rows, _BATCH))


def _of_batches(batches: Iterator[Any], path: Path) -> Iterator[Located]:
    number = 0
    for batch in batches:
        for row in batch.to_pylist():
            number += 1
            yield Located(str(path), number, row)


def csv_rows(stream: IO[bytes], file: str, delimiter: str) -> Iterator[Located]:
    """The rows of a csv file with a header; empty cells are left out.

    In place of a row that is no csv, or has more or fewer cells than the header, a `SchemaError` is yielded.
    """
    csv.field_size_limit(min(sys.maxsize, 1 << 30))
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), delimiter=delimiter)
    header = next(reader, [])
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Located(file, number, SchemaError(f"not a csv row: {error}", todo="repair or remove the row"))
            continue
        if cells:
            yield _csv_row(file, number, header, cells)


def _csv_row(file: str, number: int, header: list[str], cells: list[str]) -> Located:
    if len(cells) != len(header):
        wrong = SchemaError(f"{len(cells)} cells under {len(header)} columns", todo="quote cells that hold commas")
        return Located(file, number, wrong)
    return Located(file, number, {key: cell for key, cell in zip(header, cells, strict=True) if cell})
