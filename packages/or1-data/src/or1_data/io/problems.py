"""`read_problems` and `write_problems`: rows of the format, from and to any file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from or1_data.errors import SchemaError, SourceError
from or1_data.io.hub import FILES, is_hub_id, iter_hub
from or1_data.io.parquet import Columns, write_parquet
from or1_data.io.rows import SUFFIXES, Located, iter_rows
from or1_data.schema import Problem, problem_from_row, row_of

SetAside = Callable[[SchemaError], None]
"""Takes a broken row's error; reading goes on."""
Writer = Callable[[Path, Iterable[Problem]], int]
ENDINGS = (".jsonl", ".parquet")
"""What `write_problems` can write."""


def locate(source: str | Path) -> Iterator[Located]:
    """Raw rows of a file or, where no such file exists, of the hub set with that id."""
    text = str(source)
    if text.startswith(FILES) or (not Path(text).exists() and not text.endswith(SUFFIXES) and is_hub_id(text)):
        return iter_hub(text)
    return iter_rows(text)


def read_problems(source: str | Path, *, set_aside: SetAside | None = None) -> Iterator[Problem]:
    """The problems of a file in the row format, or of a hub set such as `Skywork/Skywork-OR1-RL-Data`.

    Args:
        source: jsonl, json, parquet (the first two also `.gz`), or a hub set (`or1_data.io.hub`).
        set_aside: takes each broken row's error; None raises the first.

    Raises:
        SchemaError: a row that is not in the format, naming file, line, key and what to do.
        SourceError: the file or set cannot be read.
    """
    for file, line, row in locate(source):
        try:
            if isinstance(row, SchemaError):
                raise row
            yield problem_from_row(row)
        except SchemaError as error:
            if set_aside is None:
                raise error.at(file, line) from error
            set_aside(error.at(file, line))


def write_problems(path: str | Path, problems: Iterable[Problem], *, columns: Columns | None = None) -> int:
    """Write rows to `.jsonl` or `.parquet`, whole or not at all (temporary name, then rename); returns how many.

    Args:
        path: the file.
        problems: the rows.
        columns: shared by parquet files that are to have the same columns.

    Raises:
        SourceError: another ending, or the disk refuses.
    """
    path = Path(path)
    table: Writer = partial(write_parquet, columns=columns)
    writers: dict[str, Writer] = {".jsonl": _write_jsonl, ".parquet": table}
    if path.suffix not in writers:
        raise SourceError(f"{path}: can write {' and '.join(ENDINGS)} only")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        count = writers[path.suffix](temporary, problems)
        temporary.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _write_jsonl(path: Path, problems: Iterable[Problem]) -> int:
    encoder, count = msgspec.json.Encoder(), 0
    with path.open("wb") as stream:
        for problem in problems:
            stream.write(encoder.encode(row_of(problem)) + b"\n")
            count += 1
        stream.flush()
        os.fsync(stream.fileno())
    return count
