"""Weights that every tensor-parallel rank holds whole while it sees only a part of what they act on."""

from megatron.core.parallel_state import get_tensor_model_parallel_group, get_tensor_model_parallel_world_size
from megatron.core.tensor_parallel.mappings import copy_to_tensor_model_parallel_region
from torch import Tensor


def copied(weight: Tensor) -> Tensor:
    """The weight itself; its gradient is summed over tensor ranks."""
    if get_tensor_model_parallel_world_size() == 1:
        return weight
    copy: Tensor = copy_to_tensor_model_parallel_region(weight, group=get_tensor_model_parallel_group())
    return copy
