"""A linear layer on the CPU whose three products go through `or1_rollout.products`.

y = x W^T + b;  dx = dy W;  dW = dy^T x;  db = column sums of dy.  Hidden states may travel as [T, 1, H].
"""

from typing import Any

import torch
from torch import Tensor

from or1_rollout.products import linear
from or1_rollout.programs import program


def packed_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x @ weight.T + bias over the last axis."""
    output: Tensor = _Linear.apply(x, weight, bias)
    return output


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        ctx.save_for_backward(rows, weight)
        ctx.has_bias = bias is not None
        return linear(rows, weight, bias).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        rows, weight = ctx.saved_tensors
        grad_rows = grad.reshape(-1, grad.shape[-1])
        grad_x, grad_weight = _gradients(grad_rows, rows, weight)
        grad_bias = grad_rows.sum(0) if ctx.has_bias else None
        return grad_x.view(*grad.shape[:-1], -1), grad_weight, grad_bias


@program
def _gradients(grad: Tensor, rows: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return linear(grad, weight.t()), linear(grad.t(), rows.t())
