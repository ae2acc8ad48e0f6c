"""What Megatron-core 0.16.1 needs to run on a machine without CUDA. Nothing here is applied where CUDA is present.

* `import_megatron`: Megatron decorates about 40 small functions with `torch.compile` at import. On a CPU that loads
  TorchDynamo and Inductor (importing `GPTModel` takes 9.5 s; 4.7 s without) and would call a C++ compiler at the first
  use of any of them. During the import `torch.compile` returns the plain function. Of these functions one matters
  uncompiled: the gradient of SwiGLU, which takes 2.5 times as long as with torch's own kernel.
* `answer_for_cuda`: Megatron allocates on `torch.cuda.current_device()`; without CUDA that call raises, so it is made
  to answer the CPU. And with sequence parallelism Megatron runs every forward pass under its tracker of CUDA random
  states; there are none, and no dropout that would draw from them.
* `share_groups`: Megatron forms 23 process groups, in a job of one process all of the same rank. A gloo group is three
  threads, one of which wakes a hundred times a second.
* `keep_freed_memory`: glibc gives every freed block above 128 KiB back to the kernel and faults it in again at the next
  use. `F.silu(gate) * up` on 4736 x 512 floats took 4.6 ms that way and 1.0 ms in memory that was kept.
"""

import ctypes
import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

_M_TRIM_THRESHOLD = -1  # names and numbers of <malloc.h>
_M_MMAP_MAX = -4
_KEPT_BYTES = 2**31 - 1


def import_megatron() -> None:
    """Import `megatron.core`, with `torch.compile` as a no-op where there is no CUDA device."""
    for noisy in ("megatron", "torch.utils.cpp_extension"):  # notes on absent optional kernels are not for our users
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if torch.cuda.is_available() or "megatron.core" in sys.modules:
            importlib.import_module("megatron.core.models.gpt")
            return
        with patch.object(torch, "compile", _eager):
            importlib.import_module("megatron.core.models.gpt")
            importlib.import_module("megatron.core.jit").disable_jit_fuser()  # for what is imported later
            swiglu: Any = importlib.import_module("megatron.core.fusions.fused_bias_swiglu")
            swiglu.swiglu_back = _swiglu_gradient


def _eager(function: Callable[..., Any] | None = None, **_: object) -> Any:
    """Stand in for `torch.compile`, both as a plain and as a parametrised decorator."""
    return function if function is not None else (lambda inner: inner)


def _swiglu_gradient(grad: Tensor, gate_up: Tensor) -> Tensor:
    """Gradient of silu(gate) * up with respect to [gate, up]."""
    gate, up = gate_up.chunk(2, -1)
    result = torch.empty_like(gate_up)
    grad_gate, grad_up = result.chunk(2, -1)
    torch.mul(grad, F.silu(gate), out=grad_up)
    torch.ops.aten.silu_backward(grad * up, gate, grad_input=grad_gate)
    return result


def answer_for_cuda() -> None:
    """Without CUDA, make its current device the CPU, and let Megatron's tracker of its random states do nothing."""
    if not torch.cuda.is_available():
        torch.cuda.current_device = lambda: torch.device("cpu")  # type: ignore[assignment, return-value]
        tensor_parallel: Any = importlib.import_module("megatron.core.tensor_parallel")
        tensor_parallel.get_cuda_rng_tracker = lambda: SimpleNamespace(fork=lambda *_: nullcontext())


@contextmanager
def share_groups() -> Iterator[None]:
    """Groups of the same ranks and backend that are formed meanwhile are one; all ranks together have one already.

    For gloo only: its collectives are told apart by their order, which is the same on all ranks of one thread.
    """
    new_group, world = dist.new_group, tuple(range(dist.get_world_size()))
    formed: dict[tuple[Any, ...], Any] = {(world, None): dist.group.WORLD}

    def one_group(ranks: list[int] | None = None, **options: Any) -> Any:
        # one that is asked for by its backend stays apart from the world: Megatron destroys those at its end
        key = world if ranks is None else tuple(sorted(ranks)), options.get("backend")
        if key not in formed:
            formed[key] = new_group(ranks, **options)
        return formed[key]

    with patch.object(dist, "new_group", one_group):
        yield


def keep_freed_memory() -> None:
    """Tell glibc's malloc to reuse freed blocks of any size instead of returning them to the kernel."""
    with suppress(OSError, AttributeError):  # musl and macOS have no `mallopt`; training is then only slower
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
