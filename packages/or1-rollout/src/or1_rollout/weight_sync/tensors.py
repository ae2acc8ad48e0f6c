"""Writing a stream of weights into tensors of this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from or1_rollout.errors import WeightMismatch

if TYPE_CHECKING:
    from torch import Tensor


def write_tensors(own: Mapping[str, Tensor], named: Iterable[tuple[str, Tensor]]) -> None:
    """Copy every tensor into the one of its name; tied tensors of `own` share their memory.

    Raises `WeightMismatch` naming a tensor that is unknown or of another shape, or those that were not sent.
    """
    written: set[int] = set()
    for name, value in named:
        if name not in own or own[name].shape != value.shape:
            there = f"has shape {tuple(own[name].shape)} there" if name in own else "is unknown there"
            raise WeightMismatch(
                f"weight sync failed: {name} of shape {tuple(value.shape)} {there}; trainer and engine have "
                f"different models"
            )
        own[name].data.copy_(value.detach())
        written.add(own[name].data_ptr())
    if missing := sorted(name for name, tensor in own.items() if tensor.data_ptr() not in written):
        raise WeightMismatch(f"weight sync failed: {len(missing)} tensors were not sent: {', '.join(missing[:5])}")
