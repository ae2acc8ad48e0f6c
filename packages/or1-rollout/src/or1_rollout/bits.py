"""Sums over the bits of many tensors in one program: nothing is called from Python between two tensors."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from or1_rollout.programs import program

CHUNK = 1 << 16
"""Elements at a time, so that what is computed of them stays in a core's cache (and small on a GPU)."""

PLACE = 0x9E3779B1
"""Odd multiplier that makes the second sum depend on the order: element i counts 1 + i * PLACE times."""


_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def bit_sums(tensors: Sequence[Tensor]) -> list[tuple[int, int]]:
    """Sum of every tensor's bits, and their sum weighted by position, both as signed 64-bit numbers that wrap.

    Tensors are taken in their dtype, on one device; -0.0 counts as 0.0.
    """
    if not tensors:
        return []
    flat = [tensor.detach().contiguous().view(-1) for tensor in tensors]
    room = {tensor.dtype: torch.empty(CHUNK, dtype=tensor.dtype, device=tensor.device) for tensor in flat}
    as_integers = {dtype: empty.view(_INTEGERS[dtype.itemsize]) for dtype, empty in room.items()}
    sums_K2 = _sums(
        flat,
        [room[tensor.dtype] for tensor in flat],
        [as_integers[tensor.dtype] for tensor in flat],
        _weights(flat[0].device),
        PLACE,
    )
    return [(bits, placed) for bits, placed in sums_K2.tolist()]


@program
def _sums(flat: list[Tensor], rooms: list[Tensor], integers: list[Tensor], weights_C: Tensor, place: int) -> Tensor:
    """[K, 2]; `integers[k]` is the memory of `rooms[k]` read as integers."""
    chunk = weights_C.size(0)
    rows: list[Tensor] = []
    for tensor, room, integer in zip(flat, rooms, integers):  # noqa: B905 - TorchScript knows no `strict`
        bits, placed = weights_C.new_zeros([]), weights_C.new_zeros([])
        for start in range(0, tensor.size(0), chunk):
            values = tensor[start : start + chunk]
            count = values.size(0)
            if values.is_floating_point() and values.element_size() > 1:
                torch.add(values, 0.0, out=room[:count])  # -0.0 becomes 0.0
            else:
                room[:count] = values
            numbers = integer[:count].to(torch.int64)
            total, weights = numbers.sum(), weights_C[:count]
            # one pass instead of two, where torch has it for integers
            inside = torch.dot(numbers, weights) if numbers.is_cpu else (numbers * weights).sum()
            bits = bits + total
            placed = placed + inside + total * start * place
        rows.append(torch.stack([bits, placed]))
    return torch.stack(rows)


@cache
def _weights(device: torch.device) -> Tensor:
    return torch.arange(CHUNK, device=device).mul_(PLACE).add_(1)
