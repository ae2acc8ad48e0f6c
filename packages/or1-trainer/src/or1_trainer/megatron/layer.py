"""The transformer layer of our Megatron spec.

Megatron's modules and weights, with the slow parts between them replaced.

Axes: T tokens, H hidden. Hidden states travel as Megatron's [T, 1, H].
"""

from typing import Any

import torch
import torch.nn.functional as F
from megatron.core.parallel_state import get_tensor_model_parallel_group, get_tensor_model_parallel_world_size
from megatron.core.tensor_parallel.mappings import (
    copy_to_tensor_model_parallel_region,
    reduce_from_tensor_model_parallel_region,
)
from megatron.core.transformer.attention import SelfAttention
from megatron.core.transformer.transformer_config import TransformerConfig
from megatron.core.transformer.transformer_layer import TransformerLayer
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from or1_rollout.programs import program
from or1_trainer.megatron.batch import PackedSequences
from or1_trainer.megatron.linear import packed_linear
from or1_trainer.megatron.mlp import swiglu_mlp


class RmsNorm(torch.nn.Module):
    """RMS norm with a learned scale; on the CPU four passes over memory instead of torch's eleven."""

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
        weight = _shared(self.weight) if self.sees_a_part else self.weight
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


def _shared(tensor: Tensor) -> Tensor:
    """The tensor itself; its gradient is summed over tensor ranks."""
    if get_tensor_model_parallel_world_size() == 1:
        return tensor
    copied: Tensor = copy_to_tensor_model_parallel_region(tensor, group=get_tensor_model_parallel_group())
    return copied


def _summed(tensor: Tensor) -> Tensor:
    """The sum over tensor ranks; the gradient is each rank's own."""
    if get_tensor_model_parallel_world_size() == 1:
        return tensor
    total: Tensor = reduce_from_tensor_model_parallel_region(tensor, group=get_tensor_model_parallel_group())
    return total


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


@program
def _norm(rows: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The output x r * weight, and r = (mean(x^2) + eps) ** -0.5 of every row."""
    inverse = torch.ops.aten.linalg_vector_norm(rows, 2, [-1], True)
    inverse.square_().div_(rows.size(-1)).add_(eps).rsqrt_()
    return (rows * inverse).mul_(weight), inverse


@program
def _norm_grad(grad: Tensor, rows: Tensor, inverse: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """With dy the output's gradient: dy * weight r - x r^3 mean(dy * weight * x), and sum over rows of dy * x r."""
    product = grad * rows
    grad_weight = torch.mv(product.t(), inverse.view(-1))
    shrink = torch.mv(product, weight).unsqueeze_(-1).mul_(inverse.pow(3)).div_(rows.size(-1))
    torch.mul(grad, weight, out=product)
    return product.mul_(inverse).addcmul_(rows, shrink, value=-1.0), grad_weight


class PackedSelfAttention(SelfAttention):  # type: ignore[misc]
    """Megatron's self-attention (its fused projection, QK norms and output projection) around `PackedAttention`.

    On the CPU its weights are multiplied by torch itself, between the same two collectives: Megatron's linear layers
    are Python functions to autograd, forward and backward, and add the bias in a pass of its own.
    """

    def forward(self, hidden: Tensor, packed: PackedSequences) -> Tensor:
        """Return [T, 1, H] for [T, 1, H]."""
        is_plain = not (hidden.is_cuda or self.config.sequence_parallel)
        if is_plain:
            mixed = packed_linear(_shared(hidden), self.linear_qkv.weight, self.linear_qkv.bias)
        else:
            mixed, _ = self.linear_qkv(hidden)
        mixed_TGRD = mixed.view(
            mixed.shape[0], self.num_query_groups_per_partition, -1, self.hidden_size_per_attention_head
        )
        if self.config.qk_layernorm:
            query, key, value = mixed_TGRD.split((mixed_TGRD.shape[2] - 2, 1, 1), 2)
            mixed_TGRD = torch.cat((self.q_layernorm(query), self.k_layernorm(key), value), 2)
        context = self.core_attention(mixed_TGRD, packed)
        if is_plain:
            return _summed(packed_linear(context, self.linear_proj.weight)).unsqueeze(1)
        output, _ = self.linear_proj(context.unsqueeze(1))
        projected: Tensor = output
        return projected


class PolicyLayer(TransformerLayer):  # type: ignore[misc]
    """Megatron's transformer layer with the pre-norm residual flow only.

    No dropout, cross attention or biases after.
    """

    recompute = False
    """Whether the backward pass runs the layer again instead of keeping its activations."""

    def forward(self, hidden_states: Tensor, packed_seq_params: PackedSequences, **_: object) -> tuple[Tensor, None]:
        """Return the layer's output and no cross-attention context, as `TransformerBlock` expects."""
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(
                self._flow, hidden_states, packed_seq_params, use_reentrant=False, preserve_rng_state=False
            ), None
        return self._flow(hidden_states, packed_seq_params), None

    def _flow(self, hidden: Tensor, packed: PackedSequences) -> Tensor:
        hidden = hidden + self.self_attention(self.input_layernorm(hidden), packed)
        return hidden + self._feed_forward(self.pre_mlp_layernorm(hidden))

    def _feed_forward(self, normed: Tensor) -> Tensor:
        """Megatron's MLP on CUDA; on the CPU its weights in `swiglu_mlp`, between the same two collectives.

        That sums gradients block by block in the weights' own dtype, which bfloat16 is too narrow for.
        """
        if normed.is_cuda or self.config.sequence_parallel or normed.dtype == torch.bfloat16:
            output, _no_bias = self.mlp(normed)
        else:
            shared = _shared(normed)
            output = swiglu_mlp(shared, self.mlp.linear_fc1.weight, self.mlp.linear_fc2.weight)
            output = _summed(output)
        result: Tensor = output
        return result
