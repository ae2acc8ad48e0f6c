"""Groups of ranks by name, and what a collective in one of them takes."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Group:
    """Ranks that communicate."""

    name: str
    ranks: tuple[int, ...]

    @property
    def is_in_node(self) -> bool:
        """Whether all ranks are on one machine."""
        return self.ranks[0] // NODE_GPUS == self.ranks[-1] // NODE_GPUS


class Groups:
    """Names of process groups: tensor, data, or all ranks."""

    def __init__(self, world_size: int, tensor: int) -> None:
        """Ranks are laid out tensor-parallel first."""
        self._world, self._tensor = world_size, tensor

    def of(self, args: Any) -> Group:
        """The group among the arguments of a c10d operation."""
        group = next(dist.ProcessGroup.unbox(a) for a in args if isinstance(a, torch.ScriptObject) and _is_group(a))
        ranks = tuple(sorted(dist.get_process_group_ranks(group)))
        if ranks == tuple(range(self._world)) and self._tensor not in (1, self._world):
            return Group("world", ranks)
        stride = ranks[1] - ranks[0] if len(ranks) > 1 else 1
        is_tensor = len(ranks) == self._tensor and stride == 1 and self._tensor > 1
        return Group(f"tensor {len(ranks)}" if is_tensor else f"data {len(ranks)}", ranks)


def _is_group(value: torch.ScriptObject) -> bool:
    return "ProcessGroup" in str(value._type())


def seconds_of(operation: str, size: int, group: Group, gpu: Gpu) -> float:
    """Time of a ring: a reduced tensor goes around twice, a gathered or scattered one once."""
    ranks = len(group.ranks)
    bandwidth = (gpu.link_gb_s if group.is_in_node else gpu.network_gb_s) * 1e9
    return (2 if "allreduce" in operation else 1) * size * (ranks - 1) / ranks / bandwidth
