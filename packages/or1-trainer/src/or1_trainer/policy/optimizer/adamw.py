"""The policy's optimizer on CPUs: torch's fused AdamW, with gradient sums and norm over Megatron's ranks.

An update of 1e-6 would be lost in the 8 significant bits of a bfloat16 weight: a bfloat16 model has float32 master
weights, gradients and moments.
"""

import math
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.checkpoint.tensors import load_tensors, save_tensors
from or1_trainer.policy.model import Policy

_MOMENTS = ("exp_avg", "exp_avg_sq")


class AdamW:
    """AdamW without weight decay of biases and norms, as in Megatron. Fits the protocol `Optimizer`."""

    def __init__(self, policy: Policy, settings: OptimizerSettings) -> None:
        """Allocate masters (where the weights are bfloat16) and moments."""
        self._policy, self._settings, self.steps = policy, settings, 0
        self._parameters = dict(policy.model.named_parameters())
        self._masters = {name: _master(parameter) for name, parameter in self._parameters.items()}
        matrices = [master for master in self._masters.values() if master.dim() > 1]
        vectors = [master for master in self._masters.values() if master.dim() == 1]
        self._adamw = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
            betas=(settings.beta1, settings.beta2),
            eps=settings.eps,
            fused=True,
        )
        for master in self._masters.values():
            moments = {kind: torch.zeros_like(master) for kind in _MOMENTS}
            self._adamw.state[master] = {"step": torch.zeros(()), **moments}

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""
        for master in self._masters.values():
            master.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> float:
        """Sum gradients over data ranks, clip them, update the weights; see `Optimizer`."""
        runtime, grads = self._policy.runtime, self._grads()
        if runtime.data_size > 1:
            for work in [dist.all_reduce(grad, group=runtime.data_group, async_op=True) for grad in grads.values()]:
                work.wait()
        norm = self._norm(grads)
        if not math.isfinite(norm):
            return norm
        shrink = self._settings.max_grad_norm / (norm + 1e-6)  # the same formula as torch's and Megatron's clipping
        if 0 < shrink < 1:
            torch._foreach_mul_(list(grads.values()), shrink)
        for group in self._adamw.param_groups:
            group["lr"] = rate
        self._adamw.step()
        self.steps += 1
        for name, master in self._masters.items():
            if master is not self._parameters[name]:
                self._parameters[name].copy_(master)
        return norm

    def save(self, folder: Path) -> None:
        """Write masters and moments as slices of the whole Hugging Face tensors."""
        save_tensors(folder, self._policy, self.state, self.steps)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        self.steps = load_tensors(folder, self._policy, self.state)
        for moments in self._adamw.state.values():
            moments["step"].fill_(self.steps)

    @property
    def state(self) -> dict[str, dict[str, Tensor]]:
        """Moments, and masters where there are any, by kind and parameter name; not copies."""
        kinds = {
            kind: {name: self._adamw.state[master][kind] for name, master in self._masters.items()} for kind in _MOMENTS
        }
        narrow = {name: m.detach() for name, m in self._masters.items() if m is not self._parameters[name]}
        return kinds | {"master": narrow} if narrow else kinds

    def _grads(self) -> dict[str, Tensor]:
        """Gradients by parameter name; zeros for a parameter that no backward pass reached on this rank."""
        for master in self._masters.values():
            if master.grad is None:
                master.grad = torch.zeros_like(master)
        return {name: master.grad for name, master in self._masters.items() if master.grad is not None}

    def _norm(self, grads: dict[str, Tensor]) -> float:
        """L2 norm over all weights: sharded ones are summed over tensor ranks, replicated ones count once."""
        squares = torch.zeros(2, dtype=torch.float64)
        for name, grad in grads.items():
            is_sharded = bool(getattr(self._parameters[name], "tensor_model_parallel", False))
            rows = torch.linalg.vector_norm(grad, dim=-1)  # short sums are exact enough in float32, and twice as fast
            squares[int(is_sharded)] += rows.double().square().sum()
        if self._policy.runtime.tensor_size > 1:
            dist.all_reduce(squares[1:], group=self._policy.runtime.tensor_group)
        return float(squares.sum().sqrt())


def _master(parameter: Tensor) -> Tensor:
    """The parameter itself, or the float32 copy that a bfloat16 one's gradients are added to."""
    if parameter.dtype != torch.bfloat16:
        return parameter
    master = parameter.detach().float()
    parameter.register_post_accumulate_grad_hook(partial(_move_gradient, master))
    return master


def _move_gradient(master: Tensor, parameter: Tensor) -> None:
    """Add the bfloat16 gradient of a backward pass to the float32 gradient of the master, and drop it."""
    assert parameter.grad is not None
    if master.grad is None:
        master.grad = parameter.grad.float()
    else:
        master.grad.add_(parameter.grad)
    parameter.grad = None
