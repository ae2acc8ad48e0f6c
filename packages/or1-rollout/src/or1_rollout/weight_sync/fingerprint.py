"""Fingerprints of tensors: exact sums over their bits, which two processes can compare without the tensors.

With v_i the bits of element i as an integer, a fingerprint holds sum v_i and sum v_i (1 + i PLACE), modulo 2^64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

PLACE = 0x9E3779B1
"""Odd multiplier of the position, which makes the second sum depend on the order."""

CHUNK_ELEMENTS = 1 << 18
"""Elements that are summed at a time, so that their 64-bit copies stay in a core's cache."""


class Fingerprint(NamedTuple):
    """Exact integers of a tensor's bits."""

    num_elements: int
    bits_sum: int
    """Modulo 2^64."""
    placed_sum: int
    """Weighted by position, modulo 2^64."""


class Slice(NamedTuple):
    """Where a two-dimensional piece lies in its whole matrix."""

    row: int
    column: int
    columns: int
    """Of the whole matrix."""


def fingerprint(tensor: Tensor, slice_of: Slice | None = None) -> Fingerprint:
    """The fingerprint of the values in their dtype, computed on the tensor's own device without rounding.

    Equal tensors have equal fingerprints on every device; -0.0 counts as 0.0, which no matrix product can tell apart.
    A changed, swapped or stale element changes it. The dtype counts: cast tensors before comparing them. The
    fingerprints of disjoint slices add up to that of the whole, modulo 2^64.
    """
    flat = tensor.detach().contiguous()
    matrix = flat.view(-1, flat.shape[-1]) if flat.dim() > 1 and flat.numel() else flat.view(1, -1)
    place = slice_of or Slice(0, 0, matrix.shape[1])
    bits_sum = placed_sum = 0
    height = max(1, CHUNK_ELEMENTS // max(1, matrix.shape[1]))
    for row in range(0, matrix.shape[0], height):
        for column in range(0, matrix.shape[1], CHUNK_ELEMENTS):
            piece = matrix[row : row + height, column : column + CHUNK_ELEMENTS]
            bits, rows, columns = _sums(piece)
            first = (place.row + row) * place.columns + place.column + column
            bits_sum += bits
            placed_sum += bits + PLACE * (first * bits + place.columns * rows + columns)
    return Fingerprint(tensor.numel(), bits_sum % 2**64, placed_sum % 2**64)


def fingerprints(named: Mapping[str, Tensor]) -> dict[str, Fingerprint]:
    """The fingerprint of every tensor, by name."""
    return {name: fingerprint(tensor) for name, tensor in named.items()}


def _sums(piece_RC: Tensor) -> tuple[int, int, int]:
    """Sums of v, r v and c v over elements v in row r and column c, modulo 2^64."""
    import torch

    integer = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[piece_RC.element_size()]
    if piece_RC.is_floating_point() and piece_RC.element_size() > 1:
        piece_RC = piece_RC + 0.0  # -0.0 becomes 0.0
    bits_RC = piece_RC.contiguous().view(integer).to(torch.int64)
    row_R, column_C = (torch.arange(size, device=bits_RC.device) for size in bits_RC.shape)
    bits_R, bits_C = bits_RC.sum(1), bits_RC.sum(0)
    bits, rows, columns = torch.stack([bits_R.sum(), (bits_R * row_R).sum(), (bits_C * column_C).sum()]).tolist()
    return int(bits), int(rows), int(columns)
