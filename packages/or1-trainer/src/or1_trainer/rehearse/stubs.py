"""Everything a rehearsal replaces, each with its reason. What is not listed here is the code of a real run.

Tensors have shapes, dtypes and devices but no data (torch's fake tensors). A process group of N ranks is one process,
whose collectives do nothing (torch's fake backend).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.distributed as dist
from megatron.core import parallel_state
from megatron.core.fusions import fused_bias_swiglu
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.optim import optimizer as torch_optimizer
from torch.testing._internal.distributed.fake_pg import FakeStore

from or1_trainer.errors import TrainingError

DEVICE = torch.device("cuda", 0)
FAKE = "torch._subclasses.fake_tensor.FakeTensor"
NUMBER = 2.0
"""What the host reads out of a tensor: a gradient norm, an entropy sum, the micro-batches of the busiest rank."""


@contextmanager
def pretend(fake: FakeTensorMode, rank: int, world_size: int, one_kernel: Callable[[], Any]) -> Iterator[None]:
    """Be rank `rank` of `world_size` GPUs; `one_kernel` is entered around what a GPU computes in one kernel."""
    with ExitStack() as stack:
        for name, value in {**_machine(rank, world_size), **_tensors(), **_kernels(one_kernel)}.items():
            stack.enter_context(patch(name, value))
        stack.enter_context(patch.dict(os.environ, RANK=str(rank), WORLD_SIZE=str(world_size), LOCAL_RANK="0"))
        stack.enter_context(fake)
        try:
            yield
        finally:
            parallel_state.destroy_model_parallel()
            if dist.is_initialized():
                dist.destroy_process_group()


def _machine(rank: int, world_size: int) -> dict[str, Any]:
    """The driver is absent: say that there is a device, and do nothing where its random states are kept."""
    start = partial(dist.init_process_group, "fake", rank=rank, world_size=world_size, store=FakeStore())
    new_group = dist.new_group

    def all_gather_object(values: list[Any], value: Any, group: Any = None) -> None:
        values[:] = [value] * len(values)

    return {
        "torch.cuda.is_available": lambda: True,
        "torch._subclasses.fake_tensor.FakeTensorMode.avoid_device_init": True,  # although there is a device now
        "torch.cuda.current_device": lambda: DEVICE.index,
        "torch.cuda.set_device": lambda _: None,
        "torch.cuda.synchronize": lambda *_: None,
        "torch.distributed.init_process_group": lambda *_, **__: start(),
        "torch.distributed.new_group": lambda *args, **options: new_group(*args, **{**options, "backend": "fake"}),
        # collectives of objects need data; coalesced ones a backend that can coalesce
        "torch.distributed.all_gather_object": all_gather_object,
        "megatron.core.distributed.param_and_grad_buffer._coalescing_manager": lambda *_, **__: nullcontext(
            SimpleNamespace(wait=lambda: None)
        ),
        "or1_trainer.policy.parallel.model_parallel_cuda_manual_seed": lambda _: None,
        # forked around each forward pass, although no module here draws from it
        "megatron.core.tensor_parallel.get_cuda_rng_tracker": lambda: SimpleNamespace(fork=lambda *_: nullcontext()),
    }


def _tensors() -> dict[str, Any]:
    """How a tensor without data answers the host."""
    make, to = Tensor._make_subclass, Tensor.to

    def on_meta(cls: type[Any], data: Tensor, requires_grad: bool = False, **kwargs: Any) -> Any:
        # Autograd's C++ asks the driver about the streams of tensors on CUDA ("hasPrimaryContext"). It is told "meta";
        # Python, and with it every rule of the fake tensors about devices, still sees CUDA.
        return make(cls, data, requires_grad, **{key: v for key, v in kwargs.items() if key != "dispatch_device"})

    def move(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        # C++ decides by that device whether `to` copies: what lies there already is returned as it is
        target = torch._C._nn._parse_to(*args, **{k: v for k, v in kwargs.items() if k in ("device", "dtype")})
        device, dtype = target[0] or tensor.device, target[1] or tensor.dtype
        is_there = (device.type, dtype) == (tensor.device.type, tensor.dtype)  # there is one device of each type
        return tensor if is_there and not kwargs.get("copy") else to(tensor, *args, **kwargs)

    def stay(module: torch.nn.Module, device: torch.device) -> torch.nn.Module:
        # swaps the parameters of a module that moves, which the fake tensors' weak references forbid
        away = [name for name, tensor in module.named_parameters() if tensor.device.type != device.type]
        if away:
            raise TrainingError(f"{', '.join(away)} was made on another device than {device}")
        return module

    def kind(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        answer = Tensor.type(tensor, *args, **kwargs)
        return answer.replace("torch.meta", "torch.cuda") if isinstance(answer, str) else answer  # Megatron compares it

    return {
        "torch.Tensor._make_subclass": staticmethod(on_meta),
        "torch.Tensor.to": move,
        "torch.nn.Module.to": stay,
        f"{FAKE}.type": kind,
        f"{FAKE}.is_cuda": property(lambda tensor: tensor.device.type == "cuda"),
        f"{FAKE}.numpy": lambda tensor: np.full(tuple(tensor.shape), NUMBER),
        f"{FAKE}.tolist": lambda tensor: np.full(tuple(tensor.shape), NUMBER).tolist(),
        "torch.optim.optimizer._foreach_supported_types": [*torch_optimizer._foreach_supported_types, FakeTensor],
    }


def _kernels(one_kernel: Callable[[], Any]) -> dict[str, Any]:
    """Kernels that C++ or torch.compile would choose on CUDA: no temporaries, one write of the result."""

    def fused(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            with one_kernel():
                return function(*args)

        return run

    def rms_norm(x: Tensor, shape: tuple[int, ...], weight: Tensor | None = None, eps: float | None = None) -> Tensor:
        result: Tensor = torch.ops.aten._fused_rms_norm(x, list(shape), weight, eps)[0]
        return result

    def norms(chunk: int, flag: Tensor, lists: list[list[Tensor]], per_tensor: bool, *_: Any) -> tuple[Tensor, None]:
        # multi_tensor_l2norm, or Megatron's local one, which reads a number on the host for each tensor
        return torch.stack([torch.norm(tensor) for tensor in lists[0]]).norm().reshape(1), None

    return {
        "megatron.core.fusions.fused_bias_swiglu.swiglu": fused(fused_bias_swiglu.swiglu),
        "megatron.core.fusions.fused_bias_swiglu.swiglu_back": fused(fused_bias_swiglu.swiglu_back),
        "torch.nn.functional.rms_norm": rms_norm,
        "megatron.core.optimizer.clip_grads.l2_norm_impl": norms,
    }
