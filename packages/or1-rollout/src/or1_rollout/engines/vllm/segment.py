"""A piece of shared memory through which weights go from one process to another, chunk by chunk.

A file in `/dev/shm` and not `multiprocessing.shared_memory`: Python 3.11's resource tracker unlinks a segment when
the first process that merely attached to it ends (CPython issue 82300).
"""

from __future__ import annotations

import math
import mmap
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from or1_rollout.errors import WeightMismatch

if TYPE_CHECKING:
    from torch import Tensor

ROOM = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
_NAME = re.compile(r"or1-weights-(\d+)-\w+")


Place = tuple[str, str, Sequence[int], int]
"""Where one tensor lies in the segment: its name, dtype, shape and first byte."""


class Segment:
    """The sender's side: as much memory as one chunk needs, gone when the sender is done or found dead."""

    def __init__(self) -> None:
        """Remove what killed senders left, then open an empty segment."""
        _sweep()
        descriptor, path = tempfile.mkstemp(prefix=f"or1-weights-{os.getpid()}-", dir=ROOM)
        self._file, self.name = os.fdopen(descriptor, "r+b"), Path(path).name

    def write(self, named: Sequence[tuple[str, Tensor]]) -> list[Place]:
        """Lay the tensors side by side, in place of what was there."""
        import torch

        size = max(1, sum(tensor.nbytes for _, tensor in named))
        self._file.truncate(size)
        places, start = list[Place](), 0
        with mmap.mmap(self._file.fileno(), size) as memory:
            whole = torch.frombuffer(memory, dtype=torch.uint8)
            for name, tensor in named:
                flat = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
                whole[start : start + flat.numel()].copy_(flat)
                places.append((name, str(tensor.dtype).removeprefix("torch."), list(tensor.shape), start))
                start += flat.numel()
            del whole  # a live view would keep the map open
        return places

    def close(self) -> None:
        """Give the memory back."""
        self._file.close()
        (ROOM / self.name).unlink(missing_ok=True)


@contextmanager
def opened(name: str) -> Iterator[Tensor]:
    """The receiver's side: the bytes of a segment. They are valid inside the `with` only: copy what is kept.

    Raises `WeightMismatch` for a name that is no segment of ours: it may have come over HTTP.
    """
    import torch

    if not _NAME.fullmatch(name) or not (ROOM / name).is_file():
        raise WeightMismatch(
            f"{name!r} is not an open segment of weights in {ROOM}; sender and engine must share a machine"
        )
    with (ROOM / name).open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        whole = torch.frombuffer(memory, dtype=torch.uint8)
        yield whole
        del whole


def read(whole: Tensor, place: Place) -> tuple[str, Tensor]:
    """One tensor with its name, copied out of the segment."""
    import torch

    name, dtype_name, shape, start = place
    dtype: torch.dtype = getattr(torch, dtype_name)
    size = math.prod(shape) * dtype.itemsize
    return name, whole[start : start + size].clone().view(dtype).reshape(tuple(shape))


def chunks(named: Iterable[tuple[str, Tensor]], limit_bytes: int) -> Iterator[list[tuple[str, Tensor]]]:
    """Tensors in order, as many at a time as fit the limit, never fewer than one."""
    chunk: list[tuple[str, Tensor]] = []
    used = 0
    for name, tensor in named:
        if chunk and used + tensor.nbytes > limit_bytes:
            yield chunk
            chunk, used = [], 0
        chunk.append((name, tensor))
        used += tensor.nbytes
    if chunk:
        yield chunk


def _sweep() -> None:
    for path in ROOM.glob("or1-weights-*"):
        match = _NAME.fullmatch(path.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            path.unlink(missing_ok=True)
