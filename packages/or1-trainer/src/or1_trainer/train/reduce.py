"""Sums and maxima over the data-parallel ranks, of a few numbers at a time, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from or1_trainer.policy.parallel import Runtime

Floats = NDArray[np.float64]
Item = TypeVar("Item")


def sum_over_data(values: Sequence[float], runtime: Runtime) -> list[float]:
    """Element-wise sum; tensor-parallel ranks hold equal values and are not counted twice."""
    return _reduce(values, runtime, dist.ReduceOp.SUM)


def max_over_data(value: float, runtime: Runtime) -> float:
    """The largest value of any data-parallel rank."""
    return _reduce([value], runtime, dist.ReduceOp.MAX)[0]


def gather_over_data(values: Floats, runtime: Runtime) -> Floats:
    """The values of all data-parallel ranks, concatenated; each may have any number of them."""
    return np.concatenate(gather_objects_over_data(values, runtime))


def gather_objects_over_data(value: Item, runtime: Runtime) -> list[Item]:
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
