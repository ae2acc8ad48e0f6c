"""Raw rows of any file, one by one, with their place: memory stays bounded whatever the file's size."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import msgspec

from or1_data.errors import SchemaError, SourceError

SUFFIXES: Final = (".jsonl", ".json", ".parquet", ".jsonl.gz", ".json.gz")
_BUFFER_CHARS: Final = 1 << 16


class Located(NamedTuple):
    """A raw row, or what is wrong with it, and where it was: line (jsonl) or row number, from 1."""

    file: str
    line: int
    row: dict[str, Any] | SchemaError


def iter_rows(path: str | Path) -> Iterator[Located]:
    """The rows of a jsonl, json or parquet file, `.gz` of the first two as well.

    A line that is not a JSON object comes as a `SchemaError` in its place, so the rest can still be read.

    Raises:
        SourceError: no such file, an unknown ending, or a file that cannot be decoded at all.
    """
    path = Path(path)
    kind = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    if kind not in SUFFIXES:
        raise SourceError(f"{path}: unknown kind of file; use one of {', '.join(SUFFIXES)}")
    try:
        if kind == ".parquet":
            yield from _parquet(path)
            return
        with _text(path) as stream:
            yield from (_jsonl if kind.startswith(".jsonl") else _json)(stream, str(path))
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; check the path, or use owner/name for a hub set") from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: cannot be read ({error}); is it whole and of the kind its ending says?") from error


def _text(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _jsonl(stream: IO[bytes], file: str) -> Iterator[Located]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(stream, start=1):
        if line.strip():
            try:
                yield Located(file, number, decoder.decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                yield Located(
                    file, number, SchemaError(f"not a JSON object: {error}", todo="repair or remove the line")
                )


def _json(stream: IO[bytes], file: str) -> Iterator[Located]:
    """A JSON array of objects, decoded piece by piece; or one object per line behind a `.json` name."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig")
    head = text.read(1)
    while head.isspace():
        head = text.read(1)
    if head == "[":
        for number, value in enumerate(_array(text, file), start=1):
            bad = SchemaError(f"not an object but {type(value).__name__}", todo="give an array of objects")
            yield Located(file, number, value if isinstance(value, dict) else bad)
    elif head == "{":
        yield from _lines(head, text, file)
    elif head:
        raise SourceError(f"{file}: neither a JSON array nor JSON lines; it starts with {head!r}")


def _lines(head: str, text: io.TextIOWrapper, file: str) -> Iterator[Located]:
    rest = iter(text)
    first = head + next(rest, "")
    for number, line in enumerate([first], start=1):
        yield from _one_line(line, file, number)
    for number, line in enumerate(rest, start=2):
        if line.strip():
            yield from _one_line(line, file, number)


def _one_line(line: str, file: str, number: int) -> Iterator[Located]:
    try:
        yield Located(file, number, msgspec.json.decode(line, type=dict[str, Any]))
    except (msgspec.MsgspecError, RecursionError) as error:
        yield Located(
            file, number, SchemaError(f"not a JSON object: {error}", todo="use .jsonl for rows, .json for one array")
        )


def _array(text: io.TextIOWrapper, file: str) -> Iterator[Any]:
    """The elements of the array whose `[` was just read."""
    decoder, buffer, ended = json.JSONDecoder(), "", False
    size = _BUFFER_CHARS
    while True:
        buffer = buffer.lstrip(" \t\r\n,")
        if buffer.startswith("]"):
            return
        try:
            value, end = decoder.raw_decode(buffer)
        except json.JSONDecodeError as error:
            value, end = None, -1
            if ended:
                raise SourceError(f"{file}: broken JSON array near {buffer[:60]!r} ({error.msg})") from error
        # A number cut by the buffer's end decodes as a shorter one: only what a delimiter follows is whole.
        if end >= 0 and end < len(buffer):
            buffer = buffer[end:]
            size = _BUFFER_CHARS
            yield value
        else:
            more = text.read(size)
            size *= 2
            ended = not more
            buffer += more
            if ended and end >= 0:
                raise SourceError(f"{file}: the JSON array is not closed")


def _parquet(path: Path) -> Iterator[Located]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield Located(str(path), number, row)
    except pa.ArrowException as error:
        raise SourceError(f"{path}: not a readable parquet file ({error})") from error
