"""RMS norm with a learned scale, y = x r w with r = (mean(x^2) + eps) ** -0.5 of every row.

Megatron's wrapper of torch's norm refuses sequence parallelism. On a CPU torch composes its norm of ten operations and
keeps two float32 copies of the input for the backward pass, a quarter of a bfloat16 layer's activations; the norm here
keeps the input and r.
"""

from typing import Any

import torch
import torch.nn.functional as F
from megatron.core.parallel_state import get_tensor_model_parallel_group, get_tensor_model_parallel_world_size
from megatron.core.tensor_parallel.mappings import copy_to_tensor_model_parallel_region
from megatron.core.transformer.transformer_config import TransformerConfig
from torch import Tensor


class RmsNorm(torch.nn.RMSNorm):
    """RMS norm of hidden states, for Megatron layer specs."""

    is_of_heads = False

    def __init__(self, config: TransformerConfig, hidden_size: int, eps: float, **_: object) -> None:
        """Accept the arguments Megatron passes to every norm."""
        super().__init__(hidden_size, eps=eps, dtype=config.params_dtype, device=torch.cuda.current_device())
        self.sums_gradient = config.sequence_parallel or self.is_of_heads
        """Whether tensor ranks norm different tokens (or heads), so that the scale's gradient is a sum over ranks."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x / rms(x) * weight over the last axis."""
        weight: Tensor = self.weight
        if self.sums_gradient and get_tensor_model_parallel_world_size() > 1:
            weight = copy_to_tensor_model_parallel_region(weight, group=get_tensor_model_parallel_group())
        if x.is_cuda:  # one fused kernel there
            return F.rms_norm(x, self.normalized_shape, weight, self.eps)
        normed: Tensor = _RmsNorm.apply(x, weight, self.eps)
        return normed


class HeadNorm(RmsNorm):
    """RMS norm of each query or key head: all heads share one scale, and each tensor rank has heads of its own."""

    is_of_heads = True


class _RmsNorm(torch.autograd.Function):
    """Computes in at least float32: dx = r (dy w - n mean(dy w n)) and dw = sum over rows of dy n, with n = x r."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        inverse = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_()
        inverse.div_(x.shape[-1]).add_(eps).rsqrt_()
        ctx.save_for_backward(x, weight, inverse)
        normed: Tensor = (wide * inverse).mul_(weight).to(x.dtype)
        return normed

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight, inverse = ctx.saved_tensors
        normed, wide_grad = x * inverse, grad.to(inverse.dtype)
        product = wide_grad * normed
        grad_weight = product.sum(tuple(range(x.dim() - 1)))
        mean = (product @ weight.to(inverse.dtype)).unsqueeze(-1).div_(x.shape[-1])
        grad_x = (wide_grad * weight).sub_(normed.mul_(mean)).mul_(inverse)
        return grad_x.to(x.dtype), grad_weight.to(weight.dtype), None
