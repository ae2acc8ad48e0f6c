"""Where Hugging Face tensors live in the storage that decoding reads, and how many of them are written and compared.

One program does many tensors at a time: the interpreter lock is free meanwhile, for the trainer's half of a push's
proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from or1_rollout.engines.transformers.compiled.turned import are_equal_turned, write_turned
from or1_rollout.mkl import HAS_MKL
from or1_rollout.programs import program

HELD_BYTES = 2**26
"""Tensors that are kept to be written or compared together; more would be a second model in memory."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Hugging Face tensor lives: its elements in its own order, its rows perhaps over several axes."""

    view: Tensor
    shape: tuple[int, ...]
    is_turned: bool = field(init=False)
    """Whether columns are what is contiguous, in storage that MKL can transpose."""

    def __post_init__(self) -> None:
        view = self.view
        is_float = HAS_MKL and view.is_cpu and view.dtype == torch.float32
        is_turned = is_float and len(self.shape) == view.dim() == 2 and view.stride(0) == 1 and view.numel() > 0
        object.__setattr__(self, "is_turned", is_turned)

    @classmethod
    def whole(cls, tensor: Tensor) -> Place:
        """Of a tensor that is stored alone."""
        return cls(tensor, tuple(tensor.shape))

    def read(self) -> Tensor:
        """The stored tensor in Hugging Face's shape."""
        return self.view.reshape(self.shape)


def held(named: Iterable[tuple[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """The tensors by name, as many at a time as may be kept."""
    kept: dict[str, Tensor] = {}
    kept_bytes = 0
    for name, value in named:
        kept[name] = value.detach()
        kept_bytes += value.nbytes
        if kept_bytes > HELD_BYTES:
            yield kept
            kept, kept_bytes = {}, 0
    yield kept


def write(places: Mapping[str, Place], values: Mapping[str, Tensor]) -> None:
    """Copy every value into the place of its name; shapes are the same."""
    turned, others = _by_way(places, values)
    if turned:
        write_turned([places[name].view for name in turned], [values[name] for name in turned])
    _write([places[name].view for name in others], [values[name] for name in others])


def equal(places: Mapping[str, Place], values: Mapping[str, Tensor]) -> set[str]:
    """Names whose places hold their values, in the place's dtype; shapes are the same."""
    turned, others = _by_way(places, values)
    same = are_equal_turned([places[name].view for name in turned], [values[name] for name in turned]) if turned else []
    same += _are_equal([places[name].view for name in others], [values[name] for name in others])
    return {name for name, is_same in zip([*turned, *others], same, strict=True) if is_same}


def _by_way(places: Mapping[str, Place], values: Mapping[str, Tensor]) -> tuple[list[str], list[str]]:
    """Names for MKL, which transposes in a third of the time, and for a program."""
    turned, others = list[str](), list[str]()
    for name, value in values.items():
        lies = places[name].is_turned and value.dtype == torch.float32 and value.is_cpu and value.is_contiguous()
        (turned if lies else others).append(name)
    return turned, others


@program
def _write(places: list[Tensor], values: list[Tensor]) -> None:
    for place, value in zip(places, values):  # noqa: B905 - TorchScript knows no `strict`
        place.copy_(value.reshape(place.size()))


@program
def _are_equal(places: list[Tensor], values: list[Tensor]) -> list[bool]:
    same: list[bool] = []
    for place, value in zip(places, values):  # noqa: B905 - TorchScript
        same.append(torch.equal(place.reshape(value.size()), value.to(place)))  # twice as fast as across strides
    return same
