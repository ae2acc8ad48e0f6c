"""Streams of named weights, from the trainer to an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

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
        for name, tensor in cast_stream(self._weights, self._dtype):
            self.fingerprints[name] = fingerprint(tensor)
            yield name, tensor

    def metadata(self) -> list[TensorInfo]:
        """See `WeightStream.metadata`."""
        return [(name, self._dtype or dtype, shape) for name, dtype, shape in self._weights.metadata()]


def cast_stream(weights: WeightStream, dtype: torch.dtype | None) -> Iterator[tuple[str, Tensor]]:
    """One pass over the weights, cast to `dtype`; None leaves them as they are."""
    for name, tensor in weights:
        yield name, tensor if dtype in (None, tensor.dtype) else tensor.to(dtype)
