"""Megatron's DistributedDataParallel and DistributedOptimizer behind the interface of `Optimizer`, for CUDA.

Gradients are accumulated and reduced in float32; master weights and moments are float32 and cut over the data-parallel
ranks. Never run on a CUDA device so far: the tests run it on the CPU with every "cuda" device answered by the CPU.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from megatron.core import dist_checkpointing
from megatron.core.distributed import DistributedDataParallel, DistributedDataParallelConfig
from megatron.core.optimizer import OptimizerConfig, get_megatron_optimizer
from megatron.core.optimizer.distrib_optimizer import DistributedOptimizer
from torch import Tensor

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.offload import HostStore

_STEPS = "steps"


class DistributedAdamW:
    """Megatron's optimizer, stepped like `AdamW`."""

    def __init__(self, policy: Policy, settings: OptimizerSettings) -> None:
        """Wrap the policy's model for reduction and build the optimizer over it."""
        self._policy, self.steps = policy, 0
        ddp_config = DistributedDataParallelConfig(
            grad_reduce_in_fp32=True, use_distributed_optimizer=True, overlap_grad_reduce=False
        )
        self._ddp = DistributedDataParallel(policy.model.config, ddp_config, policy.model)
        policy.forward_model = self._ddp
        self._megatron = get_megatron_optimizer(_optimizer_config(policy, settings), [self._ddp])
        for group in self._megatron.param_groups:  # Megatron leaves this to its scheduler, which is not used here
            group["weight_decay"] = settings.weight_decay * group.get("wd_mult", 1.0)
            if "fused" in group:  # torch's Adam: one kernel, where its default makes a copy of all second moments
                group["fused"] = True
        self._store = HostStore() if settings.offload else None
        if self._store is not None:
            self._store.put(self._state())

    def zero_grad(self) -> None:
        """Zero Megatron's gradient buffers."""
        self._ddp.zero_grad_buffer()
        self._megatron.zero_grad()

    def step(self, rate: float) -> float:
        """Reduce, clip and update; gradients are summed over data ranks (`calculate_per_token_loss`)."""
        for group in self._megatron.param_groups:
            group["lr"] = rate
        self._ddp.finish_grad_sync()
        self._megatron.prepare_grads()
        norm = float(self._megatron.get_grad_norm())
        if not math.isfinite(norm):  # Megatron itself skips such a step for float16 only
            return norm
        with self._on_device():
            self._megatron.step()
        self.steps += 1
        return norm

    def save(self, folder: Path) -> None:
        """Write a Megatron distributed checkpoint."""
        folder.mkdir(exist_ok=True)
        with self._on_device():
            dist_checkpointing.save(self._sharded(is_loading=False), str(folder))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        with self._on_device():
            loaded = dist_checkpointing.load(self._sharded(is_loading=True), str(folder))
            for chained in self._megatron.chained_optimizers:
                chained._set_main_param_and_optimizer_states = partial(_set_state_with_step, chained)
            self._megatron.load_state_dict(loaded["optimizer"])
            for chained in self._megatron.chained_optimizers:
                for moments in chained.optimizer.state.values():
                    # Megatron 0.16.1 gives all one shared tensor, which Adam then advances once per parameter.
                    moments["step"] = moments["step"].clone()
        self.steps = int(loaded[_STEPS])

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """Masters and moments on the device for as long as the context lasts, if they are offloaded."""
        if self._store is not None:
            self._store.take()
        try:
            yield
        finally:
            if self._store is not None:
                self._store.put(self._state())

    def _state(self) -> Iterator[Tensor]:
        """This rank's moments and masters; a float32 model has no masters but views of its weights."""
        has_masters = self._policy.dtype == torch.bfloat16
        for chained in self._megatron.chained_optimizers:
            for moments in chained.optimizer.state.values():
                yield from (tensor for tensor in moments.values() if tensor.dim() > 0)
            if has_masters:
                yield from (master for group in chained.optimizer.param_groups for master in group["params"])

    def _allocate_moments(self) -> None:
        """Make torch's Adam allocate its state, which Megatron's checkpoints take for granted.

        A step of zero rate on zero gradients.
        """
        self.zero_grad()
        for group in self._megatron.param_groups:
            group["lr"] = 0.0
        self._ddp.finish_grad_sync()
        self._megatron.step()
        for chained in self._megatron.chained_optimizers:
            for moments in chained.optimizer.state.values():
                moments["step"].zero_()

    def _sharded(self, *, is_loading: bool) -> dict[str, object]:
        if self.steps == 0:
            self._allocate_moments()
        metadata = {"distrib_optim_sharding_type": "fully_reshardable", "dp_cp_group": self._ddp.dp_cp_group}
        model = self._policy.model.sharded_state_dict(metadata=metadata)
        state = self._megatron.sharded_state_dict(model, is_loading=is_loading, metadata=metadata)
        return {"optimizer": state, _STEPS: self.steps}


def _set_state_with_step(optimizer: DistributedOptimizer, parameter: Tensor, tensors: dict[str, Tensor]) -> None:
    """Megatron 0.16.1 reads torch's Adam back without its step count and then fails on the missing key.

    The count is already loaded.
    """
    group, order = optimizer.model_param_group_index_map[parameter]
    step = optimizer.optimizer.state[optimizer.optimizer.param_groups[group]["params"][order]]["step"]
    DistributedOptimizer._set_main_param_and_optimizer_states(optimizer, parameter, {"step": step.clone(), **tensors})


def _optimizer_config(policy: Policy, settings: OptimizerSettings) -> OptimizerConfig:
    return OptimizerConfig(
        optimizer="adam",
        lr=settings.lr,
        min_lr=0.0,
        weight_decay=settings.weight_decay,
        adam_beta1=settings.beta1,
        adam_beta2=settings.beta2,
        adam_eps=settings.eps,
        clip_grad=settings.max_grad_norm,
        bf16=policy.dtype == torch.bfloat16,
        params_dtype=policy.dtype,
        use_distributed_optimizer=True,
    )
