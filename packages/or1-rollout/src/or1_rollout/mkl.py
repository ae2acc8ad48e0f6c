"""Routines of the MKL inside torch, for compiled functions (`or1_rollout.compiled`).

torch's wheels for x86 carry MKL and export it, so that a compiled function multiplies as fast as torch, without torch's
few microseconds around every call. Where there is none (`HAS_MKL`), callers do without. Arrays are float32 and
C-contiguous.

Axes: B products of a batch, M rows, K inner, N columns.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import llvmlite.binding
import numpy as np
import torch
from numba import types
from numpy.typing import NDArray

from or1_rollout.compiled import Floats, compiled


def _register() -> bool:
    """Tell the linker where torch's MKL is; False where torch has none."""
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        addresses = {name: getattr(library, name) for name in ("sgemm_", "cblas_sgemm_batch", "vsExp", "MKL_Somatcopy")}
    except (OSError, AttributeError):
        return False
    for name, routine in addresses.items():
        llvmlite.binding.add_symbol(name, ctypes.cast(routine, ctypes.c_void_p).value)
    return True


HAS_MKL = _register()
"""Whether functions that call those below may be called."""

_sgemm = types.ExternalFunction("sgemm_", types.void(*[types.voidptr] * 13))
_exp = types.ExternalFunction("vsExp", types.void(types.int32, types.voidptr, types.voidptr))
_sgemm_batch = types.ExternalFunction(
    "cblas_sgemm_batch", types.void(types.int32, *[types.voidptr] * 13, types.int32, types.voidptr)
)
_somatcopy = types.ExternalFunction(
    "MKL_Somatcopy", types.void(*[types.int8] * 2, *[types.intp] * 2, types.float32, *[types.intp] * 4)
)
_memcmp = types.ExternalFunction("memcmp", types.int32(*[types.intp] * 3))


@compiled
def multiply(
    left_MK: Floats, right_KN: Floats, out_MN: Floats, keep: float, turned: bool = False, left_turned: bool = False
) -> None:
    """Write left @ right + keep * out; `turned`: right is given as [N, K]; `left_turned`: left as [K, M]."""
    rows, columns = out_MN.shape
    inner = left_MK.shape[0] if left_turned else left_MK.shape[1]
    # Fortran's matrices are the transposed of ours: out.T = right.T @ left.T
    letters = np.array([78, 84], np.uint8)  # "N", "T"
    sizes = np.array([columns, rows, inner, right_KN.shape[1], left_MK.shape[1]], np.int32)
    factors = np.array([1.0, keep], np.float32)
    _sgemm(
        letters[1 if turned else 0 :].ctypes,
        letters[1 if left_turned else 0 :].ctypes,
        sizes.ctypes,
        sizes[1:].ctypes,
        sizes[2:].ctypes,
        factors.ctypes,
        right_KN.ctypes,
        sizes[3:].ctypes,
        left_MK.ctypes,
        sizes[4:].ctypes,
        factors[1:].ctypes,
        out_MN.ctypes,
        sizes.ctypes,
    )


@compiled
def multiply_each(
    places_3B: NDArray[np.int64], rows: int, inner: int, columns: int, left_row: int, right_row: int, out_row: int
) -> None:
    """Write B small products, out = left @ right, of matrices at the addresses `places_3B` (left, right, out).

    `left_row`, `right_row` and `out_row` are the elements from one row of a matrix to its next.
    """
    count = places_3B.shape[1]
    sizes = np.array([rows, columns, inner, left_row, right_row, out_row, count, 111], np.int32)  # 111: not transposed
    factors = np.array([1.0, 0.0], np.float32)
    _sgemm_batch(
        101,  # rows behind each other
        sizes[7:].ctypes,
        sizes[7:].ctypes,
        sizes.ctypes,
        sizes[1:].ctypes,
        sizes[2:].ctypes,
        factors.ctypes,
        places_3B[0].ctypes,
        sizes[3:].ctypes,
        places_3B[1].ctypes,
        sizes[4:].ctypes,
        factors[1:].ctypes,
        places_3B[2].ctypes,
        sizes[5:].ctypes,
        1,
        sizes[6:].ctypes,
    )


@compiled
def exponentials(values: Floats, count: int) -> None:
    """Replace the first `count` elements, in the order of memory, by their exponentials."""
    _exp(count, values.ctypes, values.ctypes)


@compiled
def transpose(matrix: int, rows: int, columns: int, row: int, out: int, out_row: int) -> None:
    """Write the matrix at one address transposed to another: [rows, columns] to [columns, rows].

    `row` and `out_row` are the elements from one row to the next, there and here.
    """
    _somatcopy(82, 84, rows, columns, np.float32(1), matrix, row, out, out_row)  # "R"ows behind each other, "T"urned


@compiled
def differ(memory: int, other: int, num_bytes: int) -> bool:
    """Whether two pieces of memory differ in any bit."""
    return bool(_memcmp(memory, other, num_bytes))
