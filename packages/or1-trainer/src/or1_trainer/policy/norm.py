"""RMS norm with a learned scale; on the CPU four passes over memory instead of torch's eleven.

y = x r w with r = (mean(x^2) + eps) ** -0.5 of every row.
"""

from typing import Any

import torch
import torch.nn.functional as F
from megatron.core.transformer.transformer_config import TransformerConfig
from torch import Tensor

from or1_rollout.programs import program
from or1_trainer.policy.tensor_ranks import shared


class RmsNorm(torch.nn.Module):
    """The norm of our Megatron spec."""

    def __init__(self, config: TransformerConfig, hidden_size: int, eps: float, **_: object) -> None:
        """Accept the arguments Megatron passes to every norm."""
        super().__init__()
        self.eps = eps
        self.weight = torch.nn.Parameter(torch.ones(hidden_size, dtype=config.params_dtype))
        self.sees_a_part = bool(config.sequence_parallel)
        """Whether each tensor rank norms other tokens (or heads).

        So that the gradient of the scale is a sum over ranks.
        """

    def forward(self, x: Tensor) -> Tensor:
        """Return x / rms(x) * weight over the last axis."""
        # The backward pass of this copy sums over tensor ranks; without it every rank's scale would drift its own way.
        weight = shared(self.weight) if self.sees_a_part else self.weight
        if x.is_cuda or x.dtype not in (torch.float32, torch.float64):
            return F.rms_norm(x, (x.shape[-1],), weight, self.eps)
        output: Tensor = _RmsNorm.apply(x, weight, self.eps)
        return output


class HeadNorm(RmsNorm):
    """The norm of queries and keys: one scale for all heads, of which each tensor rank sees its own."""

    def __init__(self, config: TransformerConfig, hidden_size: int, eps: float, **_: object) -> None:
        """Accept the arguments Megatron passes to every norm."""
        super().__init__(config, hidden_size, eps)
        self.sees_a_part = True


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        normed, inverse = _norm(rows, weight, eps)
        ctx.save_for_backward(rows, inverse, weight)
        return normed.view(x.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        rows, inverse, weight = ctx.saved_tensors
        grad_rows, grad_weight = _norm_grad(grad.reshape(rows.shape), rows, inverse, weight)
        return grad_rows.view(grad.shape), grad_weight, None


def norm(rows: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The output x r w, and r of every row. For programs."""
    inverse = torch.ops.aten.linalg_vector_norm(rows, 2, [-1], True)
    inverse.square_().div_(rows.size(-1)).add_(eps).rsqrt_()
    return (rows * inverse).mul_(weight), inverse


def norm_grad(grad: Tensor, rows: Tensor, inverse: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """With dy the output's gradient: dy w r - x r^3 mean(dy w x), and sum over rows of dy * x r. For programs."""
    product = grad * rows
    grad_weight = torch.mv(product.t(), inverse.view(-1))
    shrink = torch.mv(product, weight).unsqueeze_(-1).mul_(inverse.pow(3)).div_(rows.size(-1))
    torch.mul(grad, weight, out=product)
    return product.mul_(inverse).addcmul_(rows, shrink, value=-1.0), grad_weight


_norm, _norm_grad = program(norm), program(norm_grad)
