"""Groups of ranks by name, and what a collective in one of them takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.distributed as dist

from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import NODE_GPUS


class Collective(NamedTuple):
    """One kind of collective operation."""

    phase: str
    operation: str
    group: str


def group_of(args: Any, tensor: int) -> tuple[str, list[int]]:
    """Name and ranks of the group among the arguments of a c10d operation: tensor, data, or all ranks.

    Ranks are laid out tensor-parallel first: those of a tensor group follow each other.
    """
    groups = (a for a in args if isinstance(a, torch.ScriptObject) and "ProcessGroup" in str(a._type()))
    ranks = sorted(dist.get_process_group_ranks(dist.ProcessGroup.unbox(next(groups))))
    world_size = dist.get_world_size()
    if len(ranks) == world_size and tensor not in (1, world_size):
        return "world", ranks
    is_tensor = len(ranks) == tensor > 1 and ranks[1] == ranks[0] + 1
    return f"{'tensor' if is_tensor else 'data'} {len(ranks)}", ranks


def seconds_of(operation: str, size: int, ranks: Sequence[int], gpu: Gpu) -> float:
    """Time of a ring: a reduced tensor goes around twice, a gathered or scattered one once."""
    is_in_node = ranks[0] // NODE_GPUS == ranks[-1] // NODE_GPUS
    bandwidth = (gpu.link_gb_s if is_in_node else gpu.network_gb_s) * 1e9
    return (2 if "allreduce" in operation else 1) * size * (len(ranks) - 1) / len(ranks) / bandwidth
