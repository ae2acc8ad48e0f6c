"""Sums and maxima over the data-parallel ranks, of a few numbers at a time, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from or1_trainer.policy.parallel import Runtime

Floats = NDArray[np.float64]


def sum_over_data(values: Sequence[float], runtime: Runtime) -> list[float]:
    """Element-wise sum; tensor-parallel ranks hold equal values and are not counted twice."""
    return _reduce(values, runtime, dist.ReduceOp.SUM)


def max_over_data(value: float, runtime: Runtime) -> float:
    """The largest value of any data-parallel rank."""
    return _reduce([value], runtime, dist.ReduceOp.MAX)[0]


def gather_over_data(values: Floats, runtime: Runtime) -> Floats:
    """The values of all data-parallel ranks, concatenated; each may have any number of them."""
    if runtime.data_size == 1:
        return values
    parts: list[Floats] = [values] * runtime.data_size
    dist.all_gather_object(parts, values, group=runtime.data_group)
    return np.concatenate(parts)


def _reduce(values: Sequence[float], runtime: Runtime, op: dist.ReduceOp.RedOpType) -> list[float]:
    if runtime.data_size == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64, device=runtime.device)
    dist.all_reduce(tensor, op=op, group=runtime.data_group)
    return [float(value) for value in tensor]
