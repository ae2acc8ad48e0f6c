"""Rows of a problem file: jsonl and json at once, parquet and hub data sets through libraries imported when needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from or1_eval.errors import TaskError
from or1_eval.tasks.spec import Hub

Row = dict[str, Any]

SUFFIXES = (".jsonl", ".json", ".parquet")


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file in its order.

    Raises:
        TaskError: the file is missing, of no known kind, or a row of it is no JSON object; names file and line.
    """
    if not path.is_file():
        raise TaskError(f"no problem file {path}")
    if path.suffix == ".parquet":
        return _parquet_rows(path)
    if path.suffix == ".json":
        return _json_rows(path)
    if path.suffix == ".jsonl":
        return _jsonl_rows(path)
    raise TaskError(f"{path}: a problem file ends in {', '.join(SUFFIXES)}, not {path.suffix or 'nothing'!r}")


def hub_rows(hub: Hub) -> Iterator[Row]:
    """The rows of a hub data set, through `datasets` (the extra `hub`); bare JSON-lines files are streamed."""
    try:
        import datasets
    except ImportError as error:
        raise TaskError(
            f"{hub.id} is on the hub: install the extra (uv pip install 'or1-eval[hub]'), or give a file: TASK=FILE"
        ) from error
    try:
        if hub.files:
            files = [f"hf://datasets/{hub.id}@{hub.revision}/{name}" for name in hub.files]
            loaded = datasets.load_dataset("json", data_files=files, split="train", streaming=True)
        else:
            loaded = datasets.load_dataset(hub.id, hub.config or None, split=hub.split, revision=hub.revision)
        yield from (dict(row) for row in loaded)
    except (OSError, ValueError, RuntimeError) as error:  # no network, no such set, no such split
        raise TaskError(f"cannot load {hub.id} from the hub: {error}; give a local file: TASK=FILE") from error


def _jsonl_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _object(line, f"{path}, line {number}")


def _json_rows(path: Path) -> Iterator[Row]:
    value = _json(path.read_bytes(), str(path))
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise TaskError(f"{path}: expected a list of objects, one per problem")
    yield from value


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError as error:
        raise TaskError(f"{path}: parquet needs the extra: uv pip install 'or1-eval[parquet]'") from error
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(256):
                yield from batch.to_pylist()
    except ArrowInvalid as error:
        raise TaskError(f"{path}: {error}") from error


def _object(line: bytes, where: str) -> Row:
    value = _json(line, where)
    if not isinstance(value, dict):
        raise TaskError(f"{where}: expected an object, found {type(value).__name__}")
    return value


def _json(data: bytes, where: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise TaskError(f"{where}: {error}") from error
