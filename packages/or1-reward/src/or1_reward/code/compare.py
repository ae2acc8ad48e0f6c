"""When two outputs are the same: LiveCodeBench's rules, restated.

Standard output: both texts are stripped, split into lines, each line stripped; the numbers of lines must agree, and
each pair of lines is either the same text or, token by token, the same decimal numbers, exactly and without tolerance.
Returned values: Python's `==` on plain data, after tuples have become lists (LiveCodeBench turns only the outermost
tuple; nested ones come from the same return statement and are turned too).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any


def same_output(expected: str, got: str) -> bool:
    """Whether a program's output is the expected one. Memory and time go with the expected text, not with a flood."""
    wanted, seen = expected.strip(), got.strip()
    if wanted == seen:
        return True
    if wanted.count("\n") != seen.count("\n"):
        return False
    return all(
        one.strip() == other.strip() or _same_numbers(one, other)
        for one, other in zip(wanted.split("\n"), seen.split("\n"), strict=True)
    )


def _same_numbers(expected: str, got: str) -> bool:
    wanted = expected.split()
    seen = got.split(None, len(wanted))  # at most one word more than wanted
    if len(wanted) != len(seen):
        return False
    try:
        return all(Decimal(one) == Decimal(other) for one, other in zip(wanted, seen, strict=True))
    except InvalidOperation:
        return False


def as_lists(value: Any) -> Any:
    """The value with every tuple turned into a list, as JSON would have it."""
    if isinstance(value, tuple | list):
        return [as_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: as_lists(item) for key, item in value.items()}
    return value


def same_value(expected: Any, got: Any) -> bool:
    """Whether a returned value is the expected JSON value."""
    return bool(as_lists(got) == as_lists(expected))
