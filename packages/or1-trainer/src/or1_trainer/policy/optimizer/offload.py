"""Tensors that lie in host memory while nobody needs them: an optimizer's masters and moments between its steps."""

from collections.abc import Iterable

import torch
from torch import Tensor


class HostStore:
    """Keeps the contents of tensors on the host, and gives their memory on the device back meanwhile.

    A tensor stays the object that it is, on its device and in its shape; only its storage is emptied. Host memory is
    pinned (and cached by torch) where the device is a GPU, so that both copies run at the speed of the bus.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Tensor, Tensor]] = []

    @torch.no_grad()
    def put(self, tensors: Iterable[Tensor]) -> None:
        """Move contents to the host.

        Raises:
            ValueError: a tensor shares its storage with others, whose contents would be lost.
        """
        for tensor in tensors:
            if tensor.untyped_storage().nbytes() != tensor.nbytes:
                raise ValueError(f"a tensor {list(tensor.shape)} is a part of a larger storage and cannot be offloaded")
            host = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu", pin_memory=tensor.is_cuda)
            host.copy_(tensor, non_blocking=True)
            self._kept.append((tensor, host))
        if any(host.is_pinned() for _, host in self._kept):
            torch.cuda.synchronize()  # the copies read what is freed now
        for tensor, _ in self._kept:
            tensor.untyped_storage().resize_(0)

    @torch.no_grad()
    def take(self) -> None:
        """Bring all contents back to the device."""
        for tensor, host in self._kept:
            tensor.untyped_storage().resize_(host.nbytes)
            tensor.copy_(host, non_blocking=True)
        self._kept.clear()
