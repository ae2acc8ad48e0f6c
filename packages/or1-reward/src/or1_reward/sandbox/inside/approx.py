"""`pytest.approx`, for numbers, sequences, dicts and arrays of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_RELATIVE, _ABSOLUTE = 1e-6, 1e-12


class approx:  # noqa: N801 - pytest's name
    """Equal to what lies within `rel` times the expected number, or within `abs` of it."""

    __array_ufunc__ = None

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> None:
        self.expected, self.rel, self.abs, self.nan_ok = expected, rel, abs, nan_ok

    def __eq__(self, actual: object) -> bool:
        return self._equal(self.expected, actual)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"approx({self.expected!r})"

    def _equal(self, expected: Any, actual: Any) -> bool:
        if hasattr(expected, "tolist"):
            expected = expected.tolist()
        if hasattr(actual, "tolist"):
            actual = actual.tolist()
        if isinstance(expected, Mapping):
            return (
                isinstance(actual, Mapping)
                and expected.keys() == actual.keys()
                and all(self._equal(expected[key], actual[key]) for key in expected)
            )
        if isinstance(expected, list | tuple):
            return (
                isinstance(actual, list | tuple)
                and len(expected) == len(actual)
                and all(map(self._equal, expected, actual))
            )
        if isinstance(expected, bool) or not isinstance(expected, int | float | complex):
            return bool(expected == actual)
        return self._near(expected, actual)

    def _near(self, expected: Any, actual: Any) -> bool:
        if isinstance(actual, bool) or not isinstance(actual, int | float | complex):
            return False
        if expected == actual:
            return True
        if isinstance(expected, float) and math.isnan(expected):
            return self.nan_ok and isinstance(actual, float) and math.isnan(actual)
        if isinstance(expected, float) and math.isinf(expected):
            return False
        absolute = _ABSOLUTE if self.abs is None else self.abs
        relative = 0.0 if self.rel is None and self.abs is not None else (self.rel or _RELATIVE) * abs(expected)
        return bool(abs(expected - actual) <= max(absolute, relative))
