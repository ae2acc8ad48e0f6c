"""A raw row with its place in a file."""

from __future__ import annotations

from typing import Any, NamedTuple

from or1_data.errors import SchemaError


class Located(NamedTuple):
    """A raw row, or the error in it, and where it was: line (jsonl) or row number, from 1."""

    file: str
    line: int
    row: dict[str, Any] | SchemaError
