"""Hidden states and the tensor-parallel ranks: what every rank reads whole, and what adds up over them."""

from megatron.core.parallel_state import get_tensor_model_parallel_group, get_tensor_model_parallel_world_size
from megatron.core.tensor_parallel.mappings import (
    copy_to_tensor_model_parallel_region,
    reduce_from_tensor_model_parallel_region,
)
from torch import Tensor


def num_ranks() -> int:
    """Of the tensor-parallel group."""
    return int(get_tensor_model_parallel_world_size())


def shared(tensor: Tensor) -> Tensor:
    """The tensor itself; its gradient is summed over tensor ranks."""
    if num_ranks() == 1:
        return tensor
    copied: Tensor = copy_to_tensor_model_parallel_region(tensor, group=get_tensor_model_parallel_group())
    return copied


def summed(tensor: Tensor) -> Tensor:
    """The sum over tensor ranks; the gradient is each rank's own."""
    if num_ranks() == 1:
        return tensor
    total: Tensor = reduce_from_tensor_model_parallel_region(tensor, group=get_tensor_model_parallel_group())
    return total
