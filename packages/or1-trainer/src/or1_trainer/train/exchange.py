"""Collectives: of the rollouts, on a process group of their own; and of an update, over its data-parallel ranks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from or1_trainer.policy.parallel import Runtime

Item = TypeVar("Item")
Words = NDArray[np.int32]


class Exchange:
    """Sends data between the hosts' memories, over gloo, whatever the model's tensors travel over.

    Rollouts may run in a thread beside the training of the last batch: in a group of their own, their collectives do
    not mix with those of training.
    """

    def __init__(self, runtime: Runtime, *, timeout_s: float = 1800.0) -> None:
        """Form the group; collective."""
        self.runtime = runtime
        timeout = timedelta(seconds=timeout_s)
        self._group = dist.new_group(backend="gloo", timeout=timeout) if runtime.world_size > 1 else None

    def gather(self, value: Item) -> list[Item]:
        """Every rank's value, in rank order, on every rank. For small values: each is pickled and sent everywhere."""
        if self.runtime.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.runtime.world_size
        dist.all_gather_object(values, value, group=self._group)
        return values

    def gather_to_main(self, value: Item) -> list[Item]:
        """Every rank's value, in rank order, on rank 0; an empty list on the others."""
        if self.runtime.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.runtime.world_size if self.runtime.is_main else []
        dist.gather_object(value, values if self.runtime.is_main else None, dst=0, group=self._group)
        return values

    def all_to_all(self, outgoing: Sequence[Words], incoming_sizes: Sequence[int]) -> list[Words]:
        """Send one array to each rank, and return the one that each rank sent here, both in rank order.

        `incoming_sizes` are the numbers of elements that arrive; receivers must know them beforehand.
        """
        if self.runtime.world_size == 1:
            return list(outgoing)
        sent = torch.from_numpy(np.concatenate(outgoing))
        received = torch.empty(sum(incoming_sizes), dtype=torch.int32)
        sizes = [len(array) for array in outgoing]
        dist.all_to_all_single(received, sent, list(incoming_sizes), sizes, group=self._group)
        return np.split(received.numpy(), np.cumsum(incoming_sizes)[:-1])

    def wait(self) -> None:
        """Return when every rank has called this."""
        if self.runtime.world_size > 1:
            dist.barrier(group=self._group)


def sum_over_data(values: Sequence[float], runtime: Runtime) -> list[float]:
    """Element-wise sum; tensor-parallel ranks hold equal values and are not counted twice."""
    return _reduce(values, runtime, dist.ReduceOp.SUM)


def max_over_data(value: float, runtime: Runtime) -> float:
    """The largest value of any data-parallel rank."""
    return _reduce([value], runtime, dist.ReduceOp.MAX)[0]


def gather_over_data(value: Item, runtime: Runtime) -> list[Item]:
    """Every data-parallel rank's value, in their order. For small values: each is pickled and sent everywhere."""
    parts = [value] * runtime.data_size
    if runtime.data_size > 1:
        dist.all_gather_object(parts, value, group=runtime.data_group)
    return parts


def _reduce(values: Sequence[float], runtime: Runtime, op: dist.ReduceOp.RedOpType) -> list[float]:
    if runtime.data_size == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64, device=runtime.device)
    dist.all_reduce(tensor, op=op, group=runtime.data_group)
    return [float(value) for value in tensor]
