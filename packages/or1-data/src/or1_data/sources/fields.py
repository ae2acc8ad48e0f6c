"""Taking fields out of raw rows: typed, with errors that name the key."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from or1_data.errors import SchemaError

Row = Mapping[str, Any]


class RawRow(dict[str, Any]):
    """A raw row that remembers which columns an adapter looked at: the others are kept as they are."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        """Take a row; nothing was looked at yet."""
        super().__init__(row)
        self.used: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.used.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dict."""
        self.used.add(key)
        return super().get(key, default)


def text(row: Row, *keys: str) -> str:
    """The first of `keys` that holds text.

    Raises:
        SchemaError: none does.
    """
    for key in keys:
        value = row.get(key)
        if isinstance(value, str) and value.strip():
            return value
    if blank := [key for key in keys if isinstance(row.get(key), str)]:
        raise SchemaError(f"the text under {blank[0]} is empty", key=blank[0], todo="drop the row or repair it")
    raise SchemaError(
        f"no text under {' or '.join(keys)}",
        key=keys[0],
        todo=f"the row has {sorted(map(str, row))}; pick another --source",
    )


def optional_text(row: Row, key: str) -> str:
    """The text under `key`, or nothing."""
    value = row.get(key)
    return value if isinstance(value, str) else ""


def decoded(row: Row, key: str) -> Any:
    """The object under `key`, decoded where it is JSON text.

    Raises:
        SchemaError: text that is no JSON.
    """
    value = row.get(key)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"is not JSON ({error})", key=key, todo="drop the row or repair it") from error


def rate_counts(row: Row, key: str, model: str, attempts: int) -> dict[str, Any]:
    """A published solve rate as `model_difficulty` (failures) and `model_attempts`; nothing where it is no number."""
    try:
        rate = float(row.get(key))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return {}
    if not 0 <= rate <= 1:
        return {}
    failures = round((1 - rate) * attempts)
    return {"model_difficulty": {model: failures}, "model_attempts": {model: attempts}, key: row[key]}


def answer(row: Row, *keys: str) -> Any:
    """The answer under the first key that has one: `142.0` becomes `"142"`, a list stays a list.

    Raises:
        SchemaError: no answer.
    """
    for key in keys:
        value = row.get(key)
        if value in (None, "", []):
            continue
        return [_answer(entry, key) for entry in value] if isinstance(value, list) else _answer(value, key)
    raise SchemaError(
        f"no answer in column {' or '.join(keys)}", key=keys[0], todo="drop the row, it cannot be verified"
    )


def _answer(value: object, key: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SchemaError(f"{value!r:.60} is not an answer", key=key, todo="give a text, a number or a list of them")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def boxed(solution: str, key: str = "solution") -> str:
    r"""The content of the last `\boxed{...}`, braces balanced.

    Raises:
        SchemaError: there is none, or it is empty or not closed.
    """
    start = max(solution.rfind("\\boxed"), solution.rfind("\\fbox"))
    opening = solution.find("{", start) if start >= 0 else -1
    if start >= 0 and solution[start:].startswith("\\boxed "):
        return solution[start + 7 :].split("$", maxsplit=1)[0].strip()
    depth = 0
    for index in range(opening, len(solution) if opening >= 0 else 0):
        depth += {"{": 1, "}": -1}.get(solution[index], 0)
        if depth == 0:
            inner = solution[opening + 1 : index].strip()
            if inner:
                return inner
            break
    raise SchemaError(
        "the solution has no complete \\boxed{answer}", key=key, todo="drop the row, it cannot be verified"
    )


def info(row: Row, *keys: str) -> dict[str, Any]:
    """The fields among `keys` that the row has, for `extra_info`."""
    return {key: row[key] for key in keys if row.get(key) is not None}
