"""The feed-forward half of a layer on the CPU, norm and SwiGLU, as one program forward and one backward.

Computed a block of tokens at a time so that its wide intermediates stay in the cache: at 4736 tokens, hidden 128 and
width 512 the two products take 35 ms of one core's time, forward and backward, and the three element-wise passes
between them another 13 ms when each streams 10 to 20 MB through memory; in blocks they take 6 ms (2-core Xeon VM,
2026-11-24). The down projection's input is recomputed, not kept: only gate and up are.

Axes: T tokens, C tokens of a block, H hidden, F feed-forward width of this rank.
"""

from typing import Any

import torch
from torch import Tensor

from or1_rollout.products import add_product, linear
from or1_rollout.programs import program
from or1_trainer.policy import compiled
from or1_trainer.policy.compiled import mlp as compiled_mlp
from or1_trainer.policy.norm import norm, norm_grad

_BLOCK_BYTES = 2**20
"""Of gate and up per thread: with 2 MB of cache per core, twice this took three times as long per pass."""


def mlp_half(
    hidden_TH: Tensor, norm_weight: Tensor, gate_up_weight: Tensor, down_weight: Tensor, eps: float, *, residual: bool
) -> Tensor:
    """Return down(silu(gate(x)) * up(x)), x = rms_norm(hidden), of this rank's weights, before any sum over ranks.

    Args:
        hidden_TH: [T, H].
        norm_weight: [H].
        gate_up_weight: [gate F | up F, H].
        down_weight: [H, F].
        eps: of the norm.
        residual: whether `hidden_TH` is added.
    """
    keep = torch.is_grad_enabled()
    output: Tensor = _MlpHalf.apply(hidden_TH, norm_weight, gate_up_weight, down_weight, eps, residual, keep)
    return output


class _MlpHalf(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden_TH: Tensor,
        norm_weight: Tensor,
        gate_up_weight: Tensor,
        down_weight: Tensor,
        eps: float,
        residual: bool,
        keep: bool,
    ) -> Tensor:
        weights, is_compiled = [norm_weight, gate_up_weight, down_weight], compiled.takes(hidden_TH)
        if is_compiled:
            output_TH, kept = compiled_mlp.forward(hidden_TH, weights, eps, residual=residual, keep=keep)
        else:
            block = _block_tokens(gate_up_weight, len(hidden_TH))
            output_TH, kept = _forward(hidden_TH, weights, eps, block, residual, keep)
        if keep:
            ctx.residual, ctx.is_compiled = residual, is_compiled
            ctx.save_for_backward(hidden_TH, *weights, *kept)
        return output_TH

    @staticmethod
    def backward(ctx: Any, grad_TH: Tensor) -> tuple[Tensor | None, ...]:
        hidden_TH, norm_weight, gate_up_weight, down_weight, *kept = ctx.saved_tensors
        weights = [norm_weight, gate_up_weight, down_weight]
        if ctx.is_compiled:
            grads = compiled_mlp.backward(grad_TH, hidden_TH, weights, kept, residual=ctx.residual)
        else:
            block = _block_tokens(gate_up_weight, len(hidden_TH))
            grads = _backward(grad_TH, hidden_TH, weights, kept, block, ctx.residual)
        return *grads, None, None, None


@program
def _forward(
    hidden_TH: Tensor, weights: list[Tensor], eps: float, block: int, residual: bool, keep: bool
) -> tuple[Tensor, list[Tensor]]:
    """The output; and the norm's output and factors, and gate and up of every block (if they are to be kept)."""
    rows_TH, inverse = norm(hidden_TH, weights[0], eps)
    kept = [rows_TH, inverse]
    outputs: list[Tensor] = []
    for rows in rows_TH.split(block):
        gate_up = linear(rows, weights[1])
        gate, up = gate_up.chunk(2, -1)
        outputs.append(linear(torch.ops.aten.silu(gate).mul_(up), weights[2]))
        if keep:
            kept.append(gate_up)
    output_TH = torch.cat(outputs)
    if residual:
        output_TH.add_(hidden_TH)
    return output_TH, kept


@program
def _backward(
    grad_TH: Tensor, hidden_TH: Tensor, weights: list[Tensor], kept: list[Tensor], block: int, residual: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of the input and of all weights; the down projection's input is computed again."""
    _, gate_up_weight, down_weight = weights
    grads: list[Tensor] = []
    # the narrow factor is the one that is copied turned: [H, 2 F] instead of [2 F, H]
    grad_gate_up_turned = gate_up_weight.new_zeros([gate_up_weight.size(1), gate_up_weight.size(0)])
    grad_down_weight = torch.zeros_like(down_weight)
    for gate_up, grad, rows in zip(kept[2:], grad_TH.split(block), kept[0].split(block)):  # noqa: B905 - TorchScript
        gate, up = gate_up.chunk(2, -1)
        grad_gate_up = torch.empty_like(gate_up)
        grad_gate, grad_up = grad_gate_up.chunk(2, -1)
        grad_activated = linear(grad, down_weight.t())
        activated = torch.ops.aten.silu(gate)
        torch.mul(grad_activated, activated, out=grad_up)
        activated.mul_(up)
        grad_activated.mul_(up)
        torch.ops.aten.silu_backward(grad_activated, gate, grad_input=grad_gate)
        add_product(grad_down_weight, grad, activated)
        add_product(grad_gate_up_turned, rows, grad_gate_up)
        grads.append(linear(grad_gate_up, gate_up_weight.t()))
    grad_hidden_TH, grad_norm_weight = norm_grad(torch.cat(grads), hidden_TH, kept[1], weights[0])
    if residual:
        grad_hidden_TH.add_(grad_TH)
    return grad_hidden_TH, grad_norm_weight, grad_gate_up_turned.t().contiguous(), grad_down_weight


def _block_tokens(gate_up_weight: Tensor, tokens: int) -> int:
    """Tokens whose gate and up about fill the block; a multiple of 64, so that the last block is no crumb."""
    per_token = gate_up_weight.shape[0] * gate_up_weight.element_size()
    blocks = max(1, round(tokens * per_token / (_BLOCK_BYTES * torch.get_num_threads())))
    return max(64, -(-tokens // (64 * blocks)) * 64)
