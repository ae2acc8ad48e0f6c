"""Start and stop the process group and Megatron's parallel state, alike for one process and for `torchrun`."""

import os
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import torch
import torch.distributed as dist
from megatron.core import parallel_state
from megatron.core.tensor_parallel.random import model_parallel_cuda_manual_seed

from or1_trainer.policy import cpu_patches
from or1_trainer.policy.errors import LayoutError, RuntimeStartError

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class Runtime:
    """One rank's place in the job.

    Ranks are laid out tensor-parallel first: rank = data_rank * tensor_size + tensor_rank.
    """

    device: torch.device
    rank: int
    world_size: int
    tensor_size: int
    tensor_rank: int
    data_size: int
    data_rank: int

    @property
    def tensor_group(self) -> dist.ProcessGroup:
        """The ranks that hold the other slices of the same weights."""
        group: dist.ProcessGroup = parallel_state.get_tensor_model_parallel_group()
        return group

    @property
    def data_group(self) -> dist.ProcessGroup:
        """The ranks that hold the same slices of the weights and see other sequences."""
        group: dist.ProcessGroup = parallel_state.get_data_parallel_group()
        return group

    @property
    def platform(self) -> str:
        """The kind of device, "cpu" or "cuda", as torch names it."""
        return self.device.type

    @property
    def is_main(self) -> bool:
        """Whether this rank writes the files that exist once per job."""
        return self.rank == 0


def start_runtime(*, tensor: int, device: Device = "auto", timeout_s: float = 600.0) -> Runtime:
    """Form the process group (gloo on the CPU, NCCL on CUDA) and Megatron's parallel state.

    Under `torchrun` (RANK and WORLD_SIZE in the environment) the ranks meet at MASTER_ADDR:MASTER_PORT. Without these
    variables the job is this one process, which opens no port and writes no file. `tensor` is the tensor-parallel size;
    the rest of the world is data-parallel. A collective waits `timeout_s` seconds for its peers before this rank fails.

    Raises:
        LayoutError: the world size is not a multiple of `tensor`.
        RuntimeStartError: CUDA was asked for and is absent, or the ranks did not meet.
    """
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if tensor < 1 or world_size % tensor:
        raise LayoutError(
            f"parallel.tensor = {tensor} does not divide the {world_size} processes of this job; "
            f"start a multiple of {tensor} processes or choose another parallel.tensor"
        )
    os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "1")  # before the context: Megatron's overlaps rely on it
    place = _pick_device(device)
    if place.type == "cpu":
        cpu_patches.answer_for_cuda()
        cpu_patches.keep_freed_memory()
    _join(place, rank, world_size, timeout_s)
    with cpu_patches.share_groups() if place.type == "cpu" else nullcontext():
        parallel_state.initialize_model_parallel(
            tensor_model_parallel_size=tensor,
            distributed_timeout_minutes=timeout_s / 60,  # typed as an int; it goes into a timedelta: fractions are fine
        )
    if place.type == "cuda":
        model_parallel_cuda_manual_seed(0)  # Megatron asks for these random states; nothing here draws from them
    return Runtime(
        device=place,
        rank=rank,
        world_size=world_size,
        tensor_size=tensor,
        tensor_rank=parallel_state.get_tensor_model_parallel_rank(),
        data_size=world_size // tensor,
        data_rank=parallel_state.get_data_parallel_rank(),
    )


def stop_runtime(runtime: Runtime) -> None:
    """Leave the parallel state and the process group; a runtime can be started again afterwards."""
    if dist.is_initialized():
        parallel_state.destroy_model_parallel()
        dist.destroy_process_group()


def _pick_device(device: Device) -> torch.device:
    """Resolve "auto" and bind this rank to its GPU (LOCAL_RANK)."""
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise RuntimeStartError(
            'device = "cuda", but torch sees no CUDA device; use device = "auto" or "cpu", '
            "or install a driver that fits this torch build"
        )
    if device == "cpu" or not has_cuda:
        return torch.device("cpu")
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def _join(place: torch.device, rank: int, world_size: int, timeout_s: float) -> None:
    """Meet the other ranks, or nobody."""
    backend = "nccl" if place.type == "cuda" else "gloo"
    store = dist.HashStore() if world_size == 1 else None  # None: the environment says where to meet
    if os.environ.get("LOCAL_WORLD_SIZE", str(world_size)) == str(world_size):
        # All ranks on this host: gloo then needs no route to the host's own name, which a container may lack.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    try:
        timeout = timedelta(seconds=timeout_s)
        dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=timeout)
    except (RuntimeError, ValueError) as error:  # torch raises DistError (a RuntimeError) or ValueError here
        where = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        raise RuntimeStartError(
            f"rank {rank} of {world_size} could not form the {backend} group at {where} within "
            f"{timeout_s:g} s: {error}; is every rank started and the port free?"
        ) from error
