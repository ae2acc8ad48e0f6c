"""The feed-forward half, compiled: what `megatron.mlp` computes, a block of tokens at a time.

With g and u of a token's gate and up, s = 1 / (1 + e^-g), silu(g) = g s, and d the gradient of silu(g) u:

    d u = d silu(g)      d g = d u (s + silu(g) (1 - s))

Axes: T tokens, C tokens of a block, H hidden, F feed-forward width of this rank, 2F gate and up.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from or1_rollout.compiled import Floats, call, compiled, room
from or1_rollout.engines.transformers.compiled.rows import gate_rows
from or1_rollout.mkl import exponentials, multiply
from or1_trainer.policy.compiled.norm import norm, norm_grad

BLOCK = 128
"""Tokens whose gate and up stay in a core's cache: 512 KB at F = 512."""


class Weights(NamedTuple):
    """This rank's, or their gradients."""

    norm_H: Floats
    gate_up: Floats
    """[gate F | up F, H]."""
    down_HF: Floats


class Kept(NamedTuple):
    """What the backward pass needs."""

    normed_TH: Floats
    inverse_T: Floats
    gate_up: Floats
    """[T, 2F]; [C, 2F] where nothing is kept."""


def forward(
    hidden_TH: Tensor, weights: list[Tensor], eps: float, *, residual: bool, keep: bool
) -> tuple[Tensor, list[Tensor]]:
    """The output; and the norm's output and factors, and gate and up (of all tokens, if they are to be kept)."""
    tokens, new = len(hidden_TH), hidden_TH.new_empty
    kept = [new(hidden_TH.shape), new(tokens), new(tokens if keep else min(BLOCK, tokens), len(weights[1]))]
    output_TH = torch.empty_like(hidden_TH)
    call(_forward, _array(hidden_TH), _weights(weights), eps, residual, _array(output_TH), _kept(kept))
    return output_TH, kept


def backward(
    grad_TH: Tensor, hidden_TH: Tensor, weights: list[Tensor], kept: list[Tensor], *, residual: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of the input and of all weights."""
    grads, grad_hidden_TH = [torch.zeros_like(weight) for weight in weights], torch.empty_like(hidden_TH)
    arrays = _array(grad_TH.contiguous()), _array(hidden_TH), _weights(weights), _kept(kept)
    call(_backward, *arrays, residual, _array(grad_hidden_TH), _weights(grads))
    return grad_hidden_TH, grads[0], grads[1], grads[2]


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().numpy()
    return array


def _weights(tensors: list[Tensor]) -> Weights:
    return Weights(*map(_array, tensors))


def _kept(tensors: list[Tensor]) -> Kept:
    return Kept(*map(_array, tensors))


@compiled
def _forward(hidden_TH: Floats, weights: Weights, eps: float, residual: bool, output_TH: Floats, kept: Kept) -> None:
    norm(hidden_TH, weights.norm_H, eps, kept.normed_TH, kept.inverse_T)
    if residual:
        output_TH[:] = hidden_TH
    tokens, width = len(hidden_TH), weights.down_HF.shape[1]
    act, spare = room(BLOCK, width), room(BLOCK, width)
    for first in range(0, tokens, BLOCK):
        count = min(BLOCK, tokens - first)
        place = first if len(kept.gate_up) == tokens else 0
        gate_up, act_CF = kept.gate_up[place : place + count], act[:count]
        multiply(kept.normed_TH[first : first + count], weights.gate_up, gate_up, 0.0, True)
        gate_rows(gate_up, act_CF, spare[:count])
        multiply(act_CF, weights.down_HF, output_TH[first : first + count], 1.0 if residual else 0.0, True)


@compiled
def _backward(
    grad_TH: Floats,
    hidden_TH: Floats,
    weights: Weights,
    kept: Kept,
    residual: bool,
    grad_hidden_TH: Floats,
    grads: Weights,
) -> None:
    """Gradients of weights are added to what is there."""
    tokens, width = len(hidden_TH), weights.down_HF.shape[1]
    act, grad_act, spare = room(BLOCK, width), room(BLOCK, width), room(BLOCK, width)
    grad_gate_up, grad_normed = room(BLOCK, 2 * width), room(BLOCK, hidden_TH.shape[1])
    for first in range(0, tokens, BLOCK):
        end = min(first + BLOCK, tokens)
        grad_CH, act_CF, grad_act_CF = grad_TH[first:end], act[: end - first], grad_act[: end - first]
        grad_gate_up_C, grad_normed_CH = grad_gate_up[: end - first], grad_normed[: end - first]
        multiply(grad_CH, weights.down_HF, grad_act_CF, 0.0)
        _gate_grad(kept.gate_up[first:end], grad_act_CF, act_CF, grad_gate_up_C, spare)
        multiply(grad_CH, act_CF, grads.down_HF, 1.0, False, True)
        multiply(grad_gate_up_C, kept.normed_TH[first:end], grads.gate_up, 1.0, False, True)
        multiply(grad_gate_up_C, weights.gate_up, grad_normed_CH, 0.0)
        rows_CH, out_CH = hidden_TH[first:end], grad_hidden_TH[first:end]
        norm_grad(grad_normed_CH, rows_CH, kept.inverse_T[first:end], weights.norm_H, out_CH, grads.norm_H)
    if residual:
        for t in range(tokens):
            for h in range(hidden_TH.shape[1]):
                grad_hidden_TH[t, h] += grad_TH[t, h]


@compiled
def _gate_grad(gate_up_C: Floats, grad_act_CF: Floats, act_CF: Floats, grad_gate_up_C: Floats, spare: Floats) -> None:
    """Write silu(gate) * up again, and the gradients of gate and up."""
    rows, width = act_CF.shape
    for c in range(rows):
        for f in range(width):
            spare[c, f] = -gate_up_C[c, f]
    exponentials(spare, rows * width)
    one = np.float32(1)
    for c in range(rows):
        for f in range(width):
            up, grad, share = gate_up_C[c, width + f], grad_act_CF[c, f], one / (one + spare[c, f])
            silu = gate_up_C[c, f] * share
            act_CF[c, f] = silu * up
            grad_gate_up_C[c, width + f] = grad * silu
            grad_gate_up_C[c, f] = grad * up * (share + silu * (one - share))
