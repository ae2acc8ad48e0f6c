"""AdamW over the policy's weights on the CPU: clipped by the global gradient norm, summed over data-parallel ranks.

All weights, gradients and moments live in flat buffers, so that one step is one all-reduce, one norm and one fused
AdamW kernel per segment. A bfloat16 model has float32 master weights, gradients and moments: an update of 1e-6 would
be lost in a weight's 8 bits.
"""

import math
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor

from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.interface import OptimizerSettings
from or1_trainer.policy.parallel import Runtime


class FlatAdamW:
    """Segments of the buffers in order: cut matrices, cut vectors (biases), vectors whole on every rank (norms)."""

    def __init__(self, policy: Policy, runtime: Runtime, settings: OptimizerSettings) -> None:
        """Move all parameters into one buffer."""
        self._runtime, self._settings, self._lr, self._steps = runtime, settings, settings.lr, 0
        self.rate = 0.0
        named = sorted(policy.model.named_parameters(), key=lambda item: _segment(item[1]))
        self._model_weights = torch.cat([parameter.detach().reshape(-1) for _, parameter in named])
        is_narrow = self._model_weights.dtype == torch.bfloat16
        self._weights = self._model_weights.float() if is_narrow else self._model_weights
        self._grads, self._first, self._second = (torch.zeros_like(self._weights) for _ in range(3))
        self._spans: dict[str, tuple[slice, torch.Size]] = {}
        ends = [0, 0, 0]
        position = 0
        for name, parameter in named:
            span = slice(position, position + parameter.numel())
            parameter.data = self._model_weights[span].view(parameter.shape)
            grad = self._grads[span].view(parameter.shape)
            if is_narrow:
                parameter.register_post_accumulate_grad_hook(partial(_add_wide, grad))
            else:
                parameter.grad = grad
            self._spans[name] = (span, parameter.shape)
            position = span.stop
            ends[_segment(parameter) :] = [position] * (3 - _segment(parameter))
        self._decay_end, self._cut_end = ends[0], ends[1]

    @property
    def _is_narrow(self) -> bool:
        return self._weights is not self._model_weights

    @property
    def state(self) -> dict[str, Tensor]:
        """Views of the moments by parameter name ("first/NAME", "second/NAME") and a copy of the step count.

        And of the master weights ("master/NAME") where the model's own are bfloat16.
        """
        moments = {"first": self._first, "second": self._second}
        if self._is_narrow:
            moments["master"] = self._weights
        views = {
            f"{kind}/{name}": flat[span].view(shape)
            for kind, flat in moments.items()
            for name, (span, shape) in self._spans.items()
        }
        return {"step": torch.tensor(self._steps), **views}

    def load_step(self, step: int) -> None:
        """Set the number of steps taken; the moments are loaded in place through `state`."""
        self._steps = step

    def zero_grad(self) -> None:
        """Zero the gradient buffer."""
        self._grads.zero_()

    def set_lr(self, lr: float) -> None:
        """Change the base rate from the next step on."""
        self._lr = lr

    def step(self) -> float:
        """Reduce, clip and update.

        Gradients are summed, not averaged, over data-parallel ranks: the loss is already divided by the token count
        of the whole job. A norm that is not finite leaves weights and moments untouched and is returned as it is.
        """
        if self._runtime.data_size > 1:
            dist.all_reduce(self._grads, group=self._runtime.data_group)
        norm = self._norm()
        if not math.isfinite(norm):
            return norm
        shrink = self._settings.max_grad_norm / (norm + 1e-6)  # the same formula as torch's and Megatron's clipping
        if 0 < shrink < 1:
            self._grads.mul_(shrink)
        self.rate = self._settings.schedule.rate(self._lr, self._steps)
        self._update(slice(0, self._decay_end), self.rate, self._settings.weight_decay)
        self._update(slice(self._decay_end, None), self.rate, 0.0)
        self._steps += 1
        if self._is_narrow:
            self._model_weights.copy_(self._weights)
        return norm

    def _norm(self) -> float:
        """L2 norm over all weights of the model: cut weights add up over tensor ranks, whole ones count once."""
        cut_square = torch.linalg.vector_norm(self._grads[: self._cut_end], dtype=torch.float64).square()
        if self._runtime.tensor_size > 1:
            dist.all_reduce(cut_square, group=self._runtime.tensor_group)
        whole_square = torch.linalg.vector_norm(self._grads[self._cut_end :], dtype=torch.float64).square()
        return float((cut_square + whole_square).sqrt())

    def _update(self, span: slice, rate: float, weight_decay: float) -> None:
        """Run torch's fused AdamW kernel on one span of the buffers, in place."""
        beta1, beta2 = self._settings.betas
        torch._fused_adamw_(
            [self._weights[span]],
            [self._grads[span]],
            [self._first[span]],
            [self._second[span]],
            [],
            [torch.tensor(float(self._steps + 1))],
            lr=rate,
            beta1=beta1,
            beta2=beta2,
            weight_decay=weight_decay,
            eps=self._settings.eps,
            amsgrad=False,
            maximize=False,
        )


def _add_wide(total: Tensor, parameter: Tensor) -> None:
    """Add a micro-batch's bfloat16 gradient to the float32 sum, and drop it."""
    assert parameter.grad is not None
    total.add_(parameter.grad)
    parameter.grad = None


def _segment(parameter: Tensor) -> int:
    """0 for matrices (all are cut over tensor ranks), 1 for cut vectors (QKV biases), 2 for whole vectors (norms)."""
    if parameter.dim() > 1:
        return 0
    return 1 if getattr(parameter, "tensor_model_parallel", False) else 2
