"""The attention half of a layer as one program forward and one backward: norm, projections and short attention.

At 0.13M parameters a layer is some hundred operations on a thousand tokens. Two lanes (`or1_rollout.lanes`) that call
them one by one from Python both want the interpreter lock every time: side by side they took 1.32 times as long as one
lane alone, and 1.19 times as programs (forward and backward, 2-core EPYC VM, 2026-11-28).

    normed = rms_norm(x)      o = attend(W_qkv normed + b) W_out^T      (+ x, where no other rank adds to o)

Axes: T tokens, H hidden, G key/value groups of this rank, R query heads per group, D head dimension.
"""

from typing import Any, NamedTuple, Optional

import torch
from torch import Tensor

from or1_rollout.products import linear
from or1_rollout.programs import program
from or1_trainer.policy.norm import norm, norm_grad
from or1_trainer.policy.prefix_buckets import ShortPlan
from or1_trainer.policy.short_attention import attend, attend_grad


class AttentionShape(NamedTuple):
    """Numbers of this rank's attention."""

    groups: int
    head_dim: int
    eps: float
    """Of all norms."""
    residual: bool
    """Whether the input is added to the output."""


class AttentionWeights(NamedTuple):
    """Weights in the order in which their gradients are returned; None where the family has no such weight."""

    norm: Tensor
    qkv: Tensor
    """[G * (R + 2) * D, H]."""
    qkv_bias: Optional[Tensor]  # noqa: UP045 - TorchScript reads this
    q_norm: Optional[Tensor]  # noqa: UP045
    k_norm: Optional[Tensor]  # noqa: UP045
    out: Tensor
    """[H, G * R * D]."""


def attention_half(
    hidden_TH: Tensor,
    weights: AttentionWeights,
    plan: ShortPlan,
    shape: AttentionShape,
) -> Tensor:
    """Return this rank's share of the layer's attention half, [T, H], before any sum over ranks.

    Args:
        hidden_TH: what goes into the norm, [T, H].
        weights: this rank's.
        plan: who sees whom, and the turns of queries and keys.
        shape: this rank's heads.
    """
    output: Tensor = _AttentionHalf.apply(hidden_TH, plan, shape, *weights)
    return output


class _AttentionHalf(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden_TH: Tensor, plan: ShortPlan, shape: AttentionShape, *weights: Any) -> Tensor:
        output, saved = _forward(hidden_TH, AttentionWeights(*weights), plan, shape)
        ctx.plan, ctx.shape = plan, shape
        ctx.save_for_backward(hidden_TH, *weights, *saved)
        return output

    @staticmethod
    def backward(ctx: Any, grad_TH: Tensor) -> tuple[Tensor | None, ...]:
        hidden_TH, *rest = ctx.saved_tensors
        weights, saved = AttentionWeights(*rest[:6]), rest[6:]
        grad, grads = _backward(grad_TH, hidden_TH, weights, ctx.plan, saved, ctx.shape)
        return grad, None, None, *grads


@program
def _forward(
    hidden_TH: Tensor, weights: AttentionWeights, plan: ShortPlan, shape: AttentionShape
) -> tuple[Tensor, list[Tensor]]:
    """The output, and what the backward pass needs."""
    normed_TH, inverse = norm(hidden_TH, weights.norm, shape.eps)
    mixed_TGRD = linear(normed_TH, weights.qkv, weights.qkv_bias)
    mixed_TGRD = mixed_TGRD.view(mixed_TGRD.size(0), shape.groups, -1, shape.head_dim)
    saved = [normed_TH, inverse]
    q_norm, k_norm = weights.q_norm, weights.k_norm
    if q_norm is not None and k_norm is not None:
        query, key, value = _heads(mixed_TGRD)
        normed_query, query_inverse = norm(query, q_norm, shape.eps)
        normed_key, key_inverse = norm(key, k_norm, shape.eps)
        saved += [query, query_inverse, key, key_inverse]
        mixed_TGRD = torch.cat([normed_query, normed_key, value], 2)
    context_TX, kept = attend(mixed_TGRD, plan)
    output_TH = linear(context_TX, weights.out)
    if shape.residual:
        output_TH.add_(hidden_TH)
    saved.append(context_TX)
    return output_TH, saved + kept


@program
def _backward(
    grad_TH: Tensor,
    hidden_TH: Tensor,
    weights: AttentionWeights,
    plan: ShortPlan,
    saved: list[Tensor],
    shape: AttentionShape,
) -> tuple[Tensor, list[Optional[Tensor]]]:  # noqa: UP045
    """Gradients of the input and of all weights."""
    q_norm, k_norm = weights.q_norm, weights.k_norm
    has_norms = q_norm is not None
    context_TX, kept = saved[6 if has_norms else 2], saved[7 if has_norms else 3 :]
    grad_out = linear(grad_TH.t(), context_TX.t())
    grad_TGRD = attend_grad(linear(grad_TH, weights.out.t()), plan, kept)
    grad_q_norm: Optional[Tensor] = None  # noqa: UP045
    grad_k_norm: Optional[Tensor] = None  # noqa: UP045
    if q_norm is not None and k_norm is not None:
        grad_query, grad_key, _ = _heads(grad_TGRD)
        turned_query, grad_q_norm = _head_norm_grad(grad_query, saved[2], saved[3], q_norm)
        turned_key, grad_k_norm = _head_norm_grad(grad_key, saved[4], saved[5], k_norm)
        grad_query.copy_(turned_query)
        grad_key.copy_(turned_key)
    grad_TQ = grad_TGRD.view(grad_TH.size(0), -1)
    grad_bias: Optional[Tensor] = None  # noqa: UP045
    if weights.qkv_bias is not None:
        grad_bias = grad_TQ.sum(0)
    grad_qkv = linear(grad_TQ.t(), saved[0].t())
    grad_hidden_TH, grad_norm = norm_grad(linear(grad_TQ, weights.qkv.t()), hidden_TH, saved[1], weights.norm)
    if shape.residual:
        grad_hidden_TH.add_(grad_TH)
    return grad_hidden_TH, [grad_norm, grad_qkv, grad_bias, grad_q_norm, grad_k_norm, grad_out]


def _heads(mixed_TGRD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Views of queries, keys and values."""
    heads = mixed_TGRD.size(2)
    return mixed_TGRD.narrow(2, 0, heads - 2), mixed_TGRD.narrow(2, heads - 2, 1), mixed_TGRD.narrow(2, heads - 1, 1)


def _head_norm_grad(grad: Tensor, heads: Tensor, inverse: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    rows = heads.reshape(-1, heads.size(-1))
    grad_rows, grad_weight = norm_grad(grad.reshape(rows.shape), rows, inverse.reshape(-1, 1), weight)
    return grad_rows.view(grad.shape), grad_weight
