"""Streams of named weights, from the trainer to an engine, and into tensors of this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from or1_rollout.errors import WeightMismatch
from or1_rollout.weight_sync.fingerprint import Fingerprint, fingerprint

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TensorInfo = tuple[str, "torch.dtype", tuple[int, ...]]
"""Hugging Face name, dtype and shape of a tensor."""


class WeightStream(Protocol):
    """All weights of a model, one after the other, under their Hugging Face names."""

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """A fresh pass. It may be collective; a tensor may be overwritten once the next one is asked for."""

    def metadata(self) -> list[TensorInfo]:
        """Name, dtype and shape of every tensor, in the order of iteration and without any transfer."""


class TensorStream:
    """A `WeightStream` of tensors in memory."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        """`tensors` by Hugging Face name; they are not copied."""
        self._tensors = tensors

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """A fresh pass."""
        return iter(self._tensors.items())

    def metadata(self) -> list[TensorInfo]:
        """See `WeightStream.metadata`."""
        return [(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in self._tensors.items()]


class FingerprintingStream:
    """A `WeightStream` in another dtype, which records the fingerprint of every tensor that passes."""

    def __init__(self, weights: WeightStream, dtype: torch.dtype | None = None) -> None:
        """`dtype` is the one to cast to; None leaves tensors as they are."""
        self._weights, self._dtype = weights, dtype
        self.fingerprints: dict[str, Fingerprint] = {}
        """Of the tensors of the last pass, after the cast."""

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """A fresh pass."""
        self.fingerprints = {}
        for name, tensor in self._weights:
            cast = tensor.to(self._dtype or tensor.dtype)
            self.fingerprints[name] = fingerprint(cast)
            yield name, cast

    def metadata(self) -> list[TensorInfo]:
        """See `WeightStream.metadata`."""
        return [(name, self._dtype or dtype, shape) for name, dtype, shape in self._weights.metadata()]


def write_tensors(own: Mapping[str, Tensor], named: Iterable[tuple[str, Tensor]]) -> None:
    """Copy every tensor into the one of its name, in the dtype of that; tied tensors of `own` share their memory.

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
