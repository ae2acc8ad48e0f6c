"""Taking fields out of raw rows: typed, with errors that name the key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from or1_data.errors import SchemaError

Row = Mapping[str, Any]


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


def answer(row: Row, *keys: str) -> Any:
    """The answer under the first key that has one: `142.0` becomes `"142"`, a list stays a list.

    Raises:
        SchemaError: no answer.
    """
    for key in keys:
        value = row.get(key)
        if value in (None, "", []):
            continue
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return [str(entry) for entry in value] if isinstance(value, list) else str(value)
    raise SchemaError(f"no answer under {' or '.join(keys)}", key=keys[0], todo="drop the row, it cannot be verified")


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
