"""What every operation of a step costs: a dispatch mode that sees each one below autograd and computes none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorDeviceMismatchError, FakeTensorMode, in_kernel_invocation_manager
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from or1_trainer.errors import TrainingError
from or1_trainer.plan.gpus import Gpu
from or1_trainer.rehearse.collectives import Collective, group_of, seconds_of
from or1_trainer.rehearse.memory import Memory
from or1_trainer.rehearse.owners import Owners
from or1_trainer.rehearse.stubs import DEVICE, NUMBER

aten = torch.ops.aten
META: Final = torch.device("meta")
FLAT: Final = ("build", "offload", "step", "push")
"""Phases that go through weights one by one instead of through layers."""

PRODUCTS: Final = {
    **dict.fromkeys((aten.mm.default, aten.mm.dtype, aten.bmm.default), 0),
    **dict.fromkeys((aten.addmm.default, aten.addmm_.default), 1),
}
"""Matrix products, and the place of the left factor among their arguments."""

MATMUL_SHARE, BANDWIDTH_SHARE = 0.7, 0.8
"""Shares of the data sheet's peak and bandwidth that kernels reach: assumed, not measured."""


@dataclass(slots=True)
class Work:
    """Sums over the operations of one phase."""

    operations: int = 0
    matmul_flops: float = 0.0
    attention_flops: float = 0.0
    bytes: float = 0.0
    kernel_s: float = 0.0


@dataclass(slots=True)
class Trace:
    """All that a rehearsal sees."""

    memory: Memory = field(default_factory=Memory)
    work: dict[str, Work] = field(default_factory=lambda: defaultdict(Work))
    collectives: dict[Collective, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0, 0.0, 0.0]))
    """Collective -> count, bytes, seconds."""
    largest: dict[str, tuple[int, tuple[int, ...], torch.dtype]] = field(default_factory=dict)
    """Part -> its largest allocation."""
    odd_weights: list[str] = field(default_factory=list)
    """Weights of another dtype than the model's."""
    on_host: list[str] = field(default_factory=list)
    """Large tensors that were made on the CPU within the update."""


class Tracer(TorchDispatchMode):
    """Records into a `Trace`."""

    def __init__(self, gpu: Gpu, tensor: int, attention_pairs: float) -> None:
        """`tensor`: size of a tensor group; `attention_pairs`: query-key pairs of a micro-batch (lengths are data)."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.fake = FakeTensorMode(allow_non_fake_inputs=True)
        self.trace, self.owners, self.phase = Trace(), Owners(), "build"
        self._gpu, self._tensor, self._attention_pairs = gpu, tensor, attention_pairs
        self._done: str | None = None

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Book what happens inside under a phase."""
        before, self.phase, self._done = self.phase, phase, None
        try:
            yield
        finally:
            self.phase = before

    @contextmanager
    def one_kernel(self) -> Iterator[None]:
        """Book what happens inside as one write of what is left of it."""
        memory = self.trace.memory
        before, memory.hidden = memory.total, memory.hidden + 1
        try:
            yield
        finally:
            memory.hidden -= 1
        memory.look()
        self._book(0.0, 0.0, memory.total - before)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Run one operation on fake tensors."""
        if func is aten._local_scalar_dense.default:  # the host reads a number
            return NUMBER if args[0].is_floating_point() else int(NUMBER)
        kwargs = dict(kwargs or {})
        if kwargs.get("device") == META:  # autograd's C++, which takes the tensors for such (`stubs`)
            kwargs["device"] = DEVICE
        owner = self.owners.present()
        self.trace.memory.here = self.phase, self._place(owner.layer, func)
        if func.namespace == "c10d":
            self._communicate(func, args)
            with in_kernel_invocation_manager(self.fake):  # its arguments are its results: there is nothing to infer
                return func(*args, **kwargs)
        try:
            result = func(*args, **kwargs)
        except FakeTensorDeviceMismatchError as error:
            layer = "" if owner.layer is None else f", layer {owner.layer}"
            raise TrainingError(f"{self.phase}, {owner.part}{layer}: {func} on two devices: {error}") from error
        is_new = [self._note(tensor, owner.part) for tensor in tree_iter(result) if isinstance(tensor, Tensor)]
        if func is aten.copy_.default and args[0].device.type != args[1].device.type:  # between host and GPU
            self._book(0.0, 0.0, _size(args[0]), is_over_bus=True)
        elif not self.trace.memory.hidden and (any(is_new) or func._schema.is_mutable):
            tensors = [t for t in tree_iter((args, result)) if isinstance(t, Tensor) and t.device.type == "cuda"]
            matmul, attention = self._flops(func, args)
            self._book(matmul, attention, sum(_size(tensor) for tensor in tensors))
        return result

    def _place(self, layer: int | None, func: Any) -> int | str:
        """Where in its phase an operation is: its layer; before or after the layers; in `FLAT` phases its name."""
        if self.phase in FLAT:
            return str(func)
        if layer is not None:
            self._done = "after"
            return layer
        return self._done or "before"

    def _note(self, tensor: Tensor, part: str) -> bool:
        if tensor.device == META:
            tensor.fake_device = DEVICE  # type: ignore[attr-defined]
        if tensor.device.type != "cuda":
            is_large = tensor.is_floating_point() and tensor.numel() > 2**20  # token ids come from the host
            if self.phase in ("forward", "backward", "step") and is_large:
                self.trace.on_host.append(f"{part}: {tensor.dtype} {tuple(tensor.shape)}")
            return False
        is_new = self.trace.memory.allocate(tensor, part)
        if is_new and _size(tensor) > self.trace.largest.get(part, (0,))[0]:
            self.trace.largest[part] = _size(tensor), tuple(tensor.shape), tensor.dtype
        return is_new

    def _book(self, matmul: float, attention: float, moved: float, *, is_over_bus: bool = False) -> None:
        work = self.trace.work[self.phase]
        work.operations += 1
        work.matmul_flops += matmul
        work.attention_flops += attention
        work.bytes += moved
        rate = self._gpu.bf16_tflops * 1e12 * MATMUL_SHARE
        bandwidth = (self._gpu.host_gb_s * 1e9 if is_over_bus else self._gpu.memory_tb_s * 1e12) * BANDWIDTH_SHARE
        work.kernel_s += max((matmul + attention) / rate, moved / bandwidth)

    def _communicate(self, func: Any, args: Any) -> None:
        largest = max((_size(t) for t in tree_iter(args) if isinstance(t, Tensor)), default=0)
        listed = sum(_size(t) for t in tree_iter(args[0]) if isinstance(t, Tensor))
        size, (group, ranks) = max(largest, listed), group_of(args, self._tensor)
        entry = self.trace.collectives[Collective(self.phase, func._opname.strip("_"), group)]
        for place, more in enumerate((1, size, seconds_of(func._opname, size, ranks, self._gpu))):
            entry[place] += more

    def _flops(self, func: Any, args: Any) -> tuple[float, float]:
        """FLOPs of a matrix product, and of attention."""
        if func in PRODUCTS:
            left, right = args[PRODUCTS[func] :][:2]
            return 2.0 * left.numel() * right.shape[-1], 0.0
        if func.namespace == "torch_attn":  # two products forward, five backward
            is_backward = "backward" in func._opname
            query = args[1] if is_backward else args[0]
            return 0.0, (10 if is_backward else 4) * query.shape[1] * query.shape[2] * self._attention_pairs
        return 0.0, 0.0


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
