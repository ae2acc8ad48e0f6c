"""Matrices into storage where they lie transposed, and compared with it, by MKL's transposition.

Axes: N matrices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from or1_rollout.compiled import call, compiled
from or1_rollout.mkl import differ, transpose

SPARE_FLOATS = 2**15
"""Turned back and compared at a time: 128 KB stay in a core's cache."""


def write_turned(places: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Copy every value, [rows, columns], into a place of its shape whose columns are contiguous."""
    call(_write, _table(places, values))


def are_equal_turned(places: Sequence[Tensor], values: Sequence[Tensor]) -> list[bool]:
    """Whether each of such places holds its value, bit for bit."""
    same: list[bool] = call(_are_equal, _table(places, values)).tolist()
    return same


def _table(places: Sequence[Tensor], values: Sequence[Tensor]) -> NDArray[np.int64]:
    """[N, 5]: addresses of place and value, rows, columns, elements from one column of the place to the next."""
    rows = [
        (place.data_ptr(), value.data_ptr(), *value.shape, place.stride(1))
        for place, value in zip(places, values, strict=True)
    ]
    return np.array(rows, np.int64)


@compiled
def _write(table_N5: NDArray[np.int64]) -> None:
    for n in range(len(table_N5)):
        place, value, rows, columns, apart = table_N5[n]
        transpose(value, rows, columns, columns, place, apart)


@compiled
def _are_equal(table_N5: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Blocks of rows are turned back and compared as memory."""
    same = np.ones(len(table_N5), np.bool_)
    spare = np.empty(max(SPARE_FLOATS, table_N5[:, 3].max()), np.float32)
    for n in range(len(table_N5)):
        place, value, rows, columns, apart = table_N5[n]
        block = max(1, SPARE_FLOATS // max(1, columns))
        for first in range(0, rows, block):
            count = min(block, rows - first)
            transpose(place + 4 * first, columns, count, apart, spare.ctypes.data, columns)
            if differ(spare.ctypes.data, value + 4 * first * columns, 4 * count * columns):
                same[n] = False
                break
    return same
