"""`read_problems` and `write_problems`: rows of the format, from and to any file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from or1_data.errors import SchemaError, SourceError
from or1_data.io.files import files_of, is_local
from or1_data.io.hub import FILES, is_hub_id, iter_hub
from or1_data.io.located import Located
from or1_data.io.parquet import Columns, write_parquet
from or1_data.io.rows import SUFFIXES, iter_rows
from or1_data.schema import Problem, problem_from_row, row_of

SetAside = Callable[[SchemaError], None]
"""Takes a broken row's error; reading goes on."""
Writer = Callable[[Path, Iterable[Problem]], int]
ENDINGS = (".jsonl", ".parquet")
"""What `write_problems` can write."""


Source = str | Path | Sequence[str | Path]
"""A file, a folder, a pattern, a hub set, or several of them."""


def locate(source: Source) -> Iterator[Located]:
    """Raw rows of files or, where no such file exists, of the hub set with that id."""
    for one in [source] if isinstance(source, str | Path) else source:
        text = str(one)
        if text.startswith(FILES) or (not is_local(text) and not text.endswith(SUFFIXES) and is_hub_id(text)):
            yield from iter_hub(text)
        else:
            for file in files_of(text):
                yield from iter_rows(file)


def read_problems(source: Source, *, set_aside: SetAside | None = None) -> Iterator[Problem]:
    """The problems of a file in the row format, or of a hub set such as `Skywork/Skywork-OR1-RL-Data`.

    Args:
        source: a file (`or1_data.io.rows.SUFFIXES`), a folder or pattern of files, several of them, or a hub set.
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
        raise SourceError(
            f"{path}: cannot be written ({error.strerror or error}); free some space, or write elsewhere"
        ) from error
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
