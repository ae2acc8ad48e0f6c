"""JSON files as rows: one object per line, one array, or one object of columns."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any, Final

import msgspec

from or1_data.errors import SchemaError, SourceError
from or1_data.io.located import Located

TURNS: Final = "conversation"
"""The key under which a row that is a list of turns (Open-Reasoner-Zero's files) is given."""
_BOM: Final = b"\xef\xbb\xbf"
_BUFFER_CHARS: Final = 1 << 16
_LARGEST_OBJECT_CHARS: Final = 1 << 31


def lines(stream: IO[bytes], file: str) -> Iterator[Located]:
    """One row per line; a byte order mark and empty lines are skipped."""
    decoder = msgspec.json.Decoder()
    for number, line in enumerate(stream, start=1):
        text = line.removeprefix(_BOM) if number == 1 else line
        if text.strip():
            try:
                value = decoder.decode(text)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                value = _by_python(text, error)
            yield _located(file, number, value)


def _by_python(line: bytes, error: Exception) -> Any:
    """What Python writes and reads though it is no JSON (NaN in a column that nobody asked for); else the error."""
    try:
        return json.loads(line.decode(), parse_int=_integer)
    except (ValueError, RecursionError):
        return SchemaError(f"not a JSON object: {error}", todo="repair or remove the line")


def array(stream: IO[bytes], file: str) -> Iterator[Located]:
    """A JSON array decoded piece by piece, one object per line, or one object that holds columns or rows."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig")
    head = text.read(1)
    while head.isspace():
        head = text.read(1)
    if head == "[":
        yield from _numbered(_elements(text, file), file)
    elif head == "{":
        yield from _objects(head, text, file)
    elif head:
        raise SourceError(f"{file}: neither a JSON array nor JSON lines; it starts with {head!r}")


def _numbered(values: Iterator[Any], file: str) -> Iterator[Located]:
    return (_located(file, number, value) for number, value in enumerate(values, start=1))


def _located(file: str, number: int, value: Any) -> Located:
    if isinstance(value, SchemaError):
        return Located(file, number, value)
    if isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value):
        value = {TURNS: value}
    if not isinstance(value, dict):
        return Located(file, number, SchemaError(f"not an object but {type(value).__name__}", todo="give objects"))
    return Located(file, number, value)


def _objects(head: str, text: io.TextIOWrapper, file: str) -> Iterator[Located]:
    """One object per line, unless the first line is the whole file or no object by itself: then one object is read."""
    first = head + text.readline()
    second = text.readline()
    while second and not second.strip():
        second = text.readline()
    whole = _decoded(first)
    if second and not isinstance(whole, SchemaError):
        yield from lines((line.encode("utf-8", "surrogatepass") for line in chain([first, second], text)), file)  # type: ignore[arg-type]
        return
    if isinstance(whole, SchemaError) and second:
        whole = _decoded(first + second + text.read(_LARGEST_OBJECT_CHARS))
    if isinstance(whole, SchemaError):
        whole.todo = "use .jsonl for rows, .json for one array or one object of columns"
    yield from _numbered(iter([whole] if isinstance(whole, SchemaError) else rows_of_object(whole)), file)


def rows_of_object(value: dict[str, Any]) -> list[Any]:
    """The rows in one object: columns of equal length, a list of rows under some key, or the object itself."""
    columns = {key: list(column.values()) if _by_index(column) else column for key, column in value.items()}
    lengths = {len(column) if isinstance(column, list) else -1 for column in columns.values()}
    if len(lengths) == 1 and max(lengths) > 1:
        return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    lists = [entry for entry in value.values() if isinstance(entry, list) and entry and isinstance(entry[0], dict)]
    is_row = any(isinstance(value.get(key), str) for key in ("problem", "question", "prompt", "answer", "ability"))
    return lists[0] if len(lists) == 1 and not is_row and "prompt" not in value else [value]


def _by_index(column: Any) -> bool:
    """Whether a column is `{"0": ..., "1": ...}`, as pandas writes it."""
    return isinstance(column, dict) and bool(column) and all(key == str(n) for n, key in enumerate(column))


def _decoded(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return SchemaError(f"not a JSON object: {error}")
    return value


def _elements(text: io.TextIOWrapper, file: str) -> Iterator[Any]:
    """The elements of the array whose `[` was just read; an element that Python refuses comes as its error."""
    decoder, buffer, ended = json.JSONDecoder(parse_int=_integer), "", False
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


def _integer(digits: str) -> int | str:
    """An integer, as text where it has more digits than Python converts."""
    return int(digits) if len(digits) < 4000 else digits
