"""Raw rows of any file, one by one, with their place: memory stays bounded whatever the file's size."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from or1_data.errors import SourceError
from or1_data.io import json_rows, tables
from or1_data.io.located import Located

SUFFIXES: Final = (
    ".jsonl", ".json", ".jsonl.gz", ".json.gz", ".jsonl.zst", ".json.zst",
    ".parquet", ".arrow", ".csv", ".csv.gz", ".tsv",
)  # fmt: skip
"""Endings of the files that can be read."""
_PACKED: Final = (".gz", ".zst")


def suffix_of(path: str | Path) -> str:
    """The ending that says the kind of file: `.jsonl.gz` of `train.v2.jsonl.gz`."""
    suffixes = Path(path).suffixes
    return "".join(suffixes[-2:]) if suffixes and suffixes[-1] in _PACKED else "".join(suffixes[-1:])


def iter_rows(path: str | Path) -> Iterator[Located]:
    """The rows of one file with an ending of `SUFFIXES`.

    A row that cannot be read comes as a `SchemaError` in its place, so that the rest can still be read.

    Raises:
        SourceError: no such file, an unknown ending, or a file that cannot be decoded at all.
    """
    path, kind = Path(path), suffix_of(path)
    if kind not in SUFFIXES:
        raise SourceError(f"{path}: unknown kind of file; use one of {', '.join(SUFFIXES)}")
    try:
        if kind in (".parquet", ".arrow"):
            yield from tables.parquet_rows(path) if kind == ".parquet" else tables.arrow_rows(path)
            return
        with _opened(path) as stream:
            if kind.startswith((".csv", ".tsv")):
                yield from tables.csv_rows(stream, str(path), "\t" if kind == ".tsv" else ",")
            else:
                yield from (json_rows.lines if kind.startswith(".jsonl") else json_rows.array)(stream, str(path))
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; check the path, or use owner/name for a hub set") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise SourceError(
            f"{path}: cannot be read ({error}); is it complete, and does its ending match its format?"
        ) from error


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if path.suffix == ".zst":
        import pyarrow as pa

        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return path.open("rb")
