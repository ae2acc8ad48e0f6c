"""What Megatron-core 0.16.1 needs to run on a machine without CUDA. Nothing here is applied where CUDA is present.

Five things are changed, each for a measured or observed reason (2-core Xeon VM, torch 2.13.0, 2026-11-24):

* `import_megatron`: Megatron decorates about 40 small functions with `torch.compile` at import. On a CPU that loads
  TorchDynamo and Inductor (importing `GPTModel` takes 9.5 s; 4.7 s without) and would call a C++ compiler at the first
  use of any of them. During the import `torch.compile` returns the plain function.
* `answer_cpu_device`: Megatron allocates on `torch.cuda.current_device()` in its tensor-parallel mappings; without CUDA
  that call raises, so it is made to answer the CPU.
* `fork_no_rng`: with sequence parallelism Megatron runs every forward pass under its tracker of CUDA random states;
there are
  none, and no dropout that would draw from them.
* `share_groups`: Megatron forms 23 process groups, in a job of one process all of the same rank. A gloo group is three
  threads, one of which wakes a hundred times a second.
* `keep_freed_memory`: glibc gives every freed block above 128 KiB back to the kernel and faults it in again at the next
  use. `F.silu(gate) * up` on 4736 x 512 floats took 4.6 ms that way and 1.0 ms in memory that was kept. Every thread
  keeps an arena of its own: where two lanes share one they wait for its lock, a thousand times in a batch of rollouts
  at a million parameters (80 ms instead of 61; 2-core EPYC VM, 2026-11-28). Such an arena is made of heaps of 64 MB
  that are given back whole when they are empty, unless as much must be left on top: hence the padding.
"""

import ctypes
import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist

_M_TRIM_THRESHOLD = -1  # names and numbers of <malloc.h>
_M_TOP_PAD = -2
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
        compile_before: Any = torch.compile
        torch.compile = _eager  # type: ignore[assignment]
        try:
            importlib.import_module("megatron.core.models.gpt")
            importlib.import_module("megatron.core.jit").disable_jit_fuser()  # for what is imported later
        finally:
            torch.compile = compile_before


def _eager(function: Callable[..., Any] | None = None, **_: object) -> Any:
    """Stand in for `torch.compile`, both as a plain and as a parametrised decorator."""
    return function if function is not None else (lambda inner: inner)


def answer_cpu_device() -> None:
    """Make `torch.cuda.current_device()` answer the CPU where there is no CUDA."""
    if not torch.cuda.is_available():
        torch.cuda.current_device = lambda: torch.device("cpu")  # type: ignore[assignment, return-value]


def fork_no_rng() -> None:
    """Make Megatron's tracker of CUDA random states do nothing where there is no CUDA."""
    if not torch.cuda.is_available():
        tensor_parallel: Any = importlib.import_module("megatron.core.tensor_parallel")
        tensor_parallel.get_cuda_rng_tracker = _NoRng


class _NoRng:
    def fork(self, _name: str = "") -> AbstractContextManager[None]:
        return nullcontext()


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

    dist.new_group = one_group  # type: ignore[assignment]
    try:
        yield
    finally:
        dist.new_group = new_group


def keep_freed_memory() -> bool:
    """Tell glibc's malloc to reuse freed blocks of any size instead of returning them to the kernel.

    Returns False where the C library has no `mallopt` (musl, macOS); training is then only slower.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    options = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _KEPT_BYTES), (_M_TOP_PAD, 64 * 2**20))
    return all(mallopt(option, value) == 1 for option, value in options)
