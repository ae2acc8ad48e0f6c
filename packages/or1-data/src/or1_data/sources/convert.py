"""One raw row through an adapter: with its origin and the columns that nobody looked at, or an error that says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

from or1_data.errors import ConfigError, SchemaError
from or1_data.ground_truth import ground_truth_kind, ground_truth_text
from or1_data.schema import ORIGIN, Problem, make_problem, row_of
from or1_data.sources.fields import RawRow, optional_text, text
from or1_data.sources.registry import Adapter

_ENCODER: Final = msgspec.json.Encoder()
_IDS: Final = (
    "id", "ID", "problem_id", "question_id", "unique_id", "task_id", "uuid", "in_source_id", "name", "index", "idx",
)  # fmt: skip
_LICENSES: Final = ("license", "licence")
_HANDLED: Final = frozenset({"solution", "prompt", "reward_model", "ability", "data_source", "extra_info"})
_ODD: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OverflowError)
"""What adapters raise on rows of another shape than they know."""
_MAPPED: Final = ("problem", "answer", "solution", "id", "keep")


def convert_row(adapter: Adapter, row: Mapping[str, Any], source: str, file: str, line: int) -> Problem:
    """The problem of a raw row.

    `extra_info.origin` says where the row came from. Columns that the adapter did not look at stay in `extra_info`.

    Raises:
        SchemaError: the adapter cannot read it, or it cannot be written (half a surrogate pair).
    """
    raw = RawRow(row)
    try:
        problem = adapter.convert(raw, source)
    except _ODD as error:
        kind = type(error).__name__
        raise SchemaError(
            f"adapter {adapter.name} cannot read this row ({kind}: {error})", todo="drop or repair the row"
        ) from error
    extra = {**problem.extra_info, **_left(raw, problem, adapter)}
    extra.setdefault(ORIGIN, _origin(row, file, line))
    found = replace(problem, extra_info=extra)
    try:
        _ENCODER.encode(row_of(found))
    except (UnicodeEncodeError, TypeError, msgspec.MsgspecError, RecursionError) as error:
        raise SchemaError(f"cannot be written as JSON ({error})", todo="repair or remove the row") from error
    return found


def _left(raw: RawRow, problem: Problem, adapter: Adapter) -> dict[str, Any]:
    if not adapter.keeps:
        return {}
    known = raw.used | _HANDLED | problem.extra_info.keys()
    return {str(key): value for key, value in raw.items() if key not in known and value is not None}


@lru_cache(maxsize=64)
def _short(file: str) -> str:
    """The name of a file; a hub set as it is."""
    return Path(file).name if Path(file).exists() else file


def _origin(row: Mapping[str, Any], file: str, line: int) -> dict[str, Any]:
    origin: dict[str, Any] = {"file": _short(file), "line": line}
    extra = row.get("extra_info")
    for name, keys in (("id", _IDS), ("license", _LICENSES)):
        values = [place[key] for place in (row, extra) if isinstance(place, Mapping) for key in keys if key in place]
        known = [value for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
        if known:
            origin[name] = str(known[0])
    return origin


@dataclass(frozen=True)
class Columns:
    """`columns = {problem = ..., answer = ..., solution = ..., id = ..., keep = [...]}` of a source as an adapter.

    The answer's column may hold a math answer, or the ground truth of a code problem.
    """

    names: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse unknown keys and a mapping without problem and answer."""
        unknown = sorted(set(self.names) - set(_MAPPED))
        if unknown or not {"problem", "answer"} <= self.names.keys():
            raise ConfigError(
                f"columns: give problem and answer, and any of {', '.join(_MAPPED[2:])}; got {sorted(self.names)}"
            )

    def adapter(self) -> Adapter:
        """The adapter; with `keep`, only the columns named there are kept."""
        return Adapter("columns", frozenset(), self.convert, keeps="keep" not in self.names)

    def convert(self, row: Mapping[str, Any], source: str) -> Problem:
        """The problem of a row."""
        value = row.get(self.names["answer"])
        if value is None or isinstance(value, bool):
            raise SchemaError(f"{value!r} is not an answer", key=self.names["answer"], todo="drop the row")
        truth = ground_truth_text(value)
        extra = {key: row[key] for key in self.names.get("keep", ()) if row.get(key) is not None}
        if self.names.get("id") and row.get(self.names["id"]) is not None:
            extra["id"] = row[self.names["id"]]
        return make_problem(
            text(row, self.names["problem"]),
            truth,
            ability="math" if ground_truth_kind(truth) == "answer" else "code",
            data_source=source,
            solution=optional_text(row, self.names["solution"]) if "solution" in self.names else "",
            extra_info=extra,
        )
