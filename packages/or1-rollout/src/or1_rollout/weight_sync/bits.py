"""Sums over the bits of many tensors: small tensors are laid into one buffer, so that a few passes are enough for all.

With v_i the bits of element i as an integer, and elements in rows of `WIDTH`, i = first + WIDTH r + c,

    sum_i v_i (1 + i PLACE) = S + PLACE (first S + WIDTH sum_r r S_r + sum_r C_r)
    S_r = sum_c v_rc    C_r = sum_c c v_rc    S = sum_r S_r

S_r and C_r are products of a matrix and a vector in float64: exact, below 2^31 * 2^8 * 2^8 for numbers of at most 32
bits, and such a product takes 8 microseconds of 65,536 elements, where one of integers takes 20 (EPYC, 2026-11-28).
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from or1_rollout.programs import program

PLACE = 0x9E3779B1
"""Odd multiplier that makes the second sum depend on the order: element i counts 1 + i * PLACE times."""

WIDTH = 256

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}

_CPU_ROWS, _GPU_ROWS = 1 << 9, 1 << 16
"""Rows of a buffer: what is computed of it stays in a core's cache, or fills a GPU."""


def bit_sums(tensors: Sequence[Tensor]) -> list[tuple[int, int]]:
    """Sum of every tensor's bits, and their sum weighted by position; to be taken modulo 2^64.

    Tensors are taken in their dtype, on one device; -0.0 counts as 0.0.
    """
    flat = [tensor.detach().contiguous().view(-1) for tensor in tensors]
    totals = [(0, 0)] * len(flat)
    for pieces in _buffers(flat):
        parts = [flat[index][first : first + count] for index, first, count in pieces]
        sums = _piece_sums(parts)
        for (index, first, _), (bits, rows, columns) in zip(pieces, sums, strict=True):
            before = totals[index]
            placed = bits + PLACE * (first * bits + WIDTH * rows + columns)
            totals[index] = before[0] + bits, before[1] + placed
    return totals


def _buffers(flat: Sequence[Tensor]) -> Iterator[list[tuple[int, int, int]]]:
    """(Tensor, first element, number of elements) of the pieces that share a buffer; a buffer has one dtype."""
    room = WIDTH * (_CPU_ROWS if not flat or flat[0].device.type == "cpu" else _GPU_ROWS)
    for dtype in dict.fromkeys(tensor.dtype for tensor in flat):
        pieces: list[tuple[int, int, int]] = []
        free = room
        for index, tensor in enumerate(flat):
            if tensor.dtype != dtype:
                continue
            for first in range(0, tensor.numel(), room):
                count = min(room, tensor.numel() - first)
                if count > free:
                    yield pieces
                    pieces, free = [], room
                pieces.append((index, first, count))
                free -= -(-count // WIDTH) * WIDTH
        if pieces:
            yield pieces


def _piece_sums(parts: list[Tensor]) -> list[list[int]]:
    """Of every piece the sums over its rows of S_r, r S_r and C_r."""
    device, dtype = parts[0].device, parts[0].dtype
    starts, row_R, owner_R = _layout(tuple(part.numel() for part in parts), device)
    room = torch.zeros(len(row_R) * WIDTH, dtype=dtype, device=device)
    integers_RW = room.view(_INTEGERS[dtype.itemsize]).view(-1, WIDTH)
    sums_K3 = _sums(parts, starts, room, integers_RW, row_R, owner_R, _columns(device))
    found: list[list[int]] = sums_K3.tolist()
    return found


@lru_cache(maxsize=256)
def _layout(counts: tuple[int, ...], device: torch.device) -> tuple[list[int], Tensor, Tensor]:
    """Where each piece begins in the buffer; of every row its number in its piece, and its piece."""
    rows = [-(-count // WIDTH) for count in counts]
    starts = [WIDTH * sum(rows[:index]) for index in range(len(rows))]
    row_R = torch.cat([torch.arange(count) for count in rows])
    owner_R = torch.repeat_interleave(torch.arange(len(rows)), torch.tensor(rows))
    return starts, row_R.to(device), owner_R.to(device)


@lru_cache(maxsize=8)
def _columns(device: torch.device) -> Tensor:
    """c, [WIDTH]."""
    return torch.arange(WIDTH, device=device, dtype=torch.float64)


@program
def _sums(
    parts: list[Tensor],
    starts: list[int],
    room: Tensor,
    integers_RW: Tensor,
    row_R: Tensor,
    owner_R: Tensor,
    columns_W: Tensor,
) -> Tensor:
    """[K, 3]; `integers_RW` is the memory of `room` read as integers."""
    for part, start in zip(parts, starts):  # noqa: B905 - TorchScript knows no `strict`
        place = room.narrow(0, start, part.size(0))
        if part.is_floating_point() and part.element_size() > 1:
            torch.add(part, 0.0, out=place)  # -0.0 becomes 0.0
        else:
            place.copy_(part)
    if integers_RW.element_size() == 8:  # these wrap, as the sums may
        bits_R = integers_RW.sum(1)
        weighted_R = (integers_RW * columns_W.to(torch.int64)).sum(1)
    else:
        wide_RW = integers_RW.to(torch.float64)
        bits_R = torch.mv(wide_RW, torch.ones_like(columns_W)).to(torch.int64)
        weighted_R = torch.mv(wide_RW, columns_W).to(torch.int64)
    sums_R3 = torch.stack([bits_R, bits_R * row_R, weighted_R], 1)
    return sums_R3.new_zeros([len(parts), 3]).index_add_(0, owner_R, sums_R3)
