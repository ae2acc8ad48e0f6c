"""What happens to every row alone: norms, rotation, SwiGLU, and drawing a token.

Axes: N rows, H hidden, Q = g * (R + 2) * D as in `steps.mix_heads`, P pairs of a head, F feed-forward width,
V vocabulary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from or1_rollout.compiled import Floats, compiled
from or1_rollout.engines.transformers.steps import Shape
from or1_rollout.mkl import exponentials


@compiled
def norm_rows(x_NH: Floats, weight_H: Floats, eps: float, out_NH: Floats) -> None:
    """Write x / rms(x) * weight."""
    width = x_NH.shape[1]
    for n in range(len(x_NH)):
        squares = np.float32(0)
        for h in range(width):
            squares += x_NH[n, h] * x_NH[n, h]
        inverse = np.float32(1) / np.sqrt(squares / np.float32(width) + eps)
        for h in range(width):
            out_NH[n, h] = x_NH[n, h] * inverse * weight_H[h]


@compiled
def norm_heads(mixed_NQ: Floats, q_norm_D: Floats, k_norm_D: Floats, eps: float, shape: Shape) -> None:
    """Qwen3's norms of queries and keys."""
    heads_XD = mixed_NQ.reshape(-1, shape.head_dim)
    for query in range(0, len(heads_XD), shape.queries + 2):
        key = query + shape.queries
        norm_rows(heads_XD[query:key], q_norm_D, eps, heads_XD[query:key])
        norm_rows(heads_XD[key : key + 1], k_norm_D, eps, heads_XD[key : key + 1])


@compiled
def turn_heads(mixed_NQ: Floats, turns_NP: NDArray[np.complex64], shape: Shape) -> None:
    """Rotate and scale every query and key."""
    heads, dim = shape.queries + 2, shape.head_dim
    for n in range(len(mixed_NQ)):
        for group in range(shape.groups):
            for head in range(shape.queries + 1):
                first = (group * heads + head) * dim
                for p in range(dim // 2):
                    a, b, turn = mixed_NQ[n, first + 2 * p], mixed_NQ[n, first + 2 * p + 1], turns_NP[n, p]
                    mixed_NQ[n, first + 2 * p] = a * turn.real - b * turn.imag
                    mixed_NQ[n, first + 2 * p + 1] = a * turn.imag + b * turn.real


@compiled
def gate_rows(gate_up_NF: Floats, act_NF: Floats, spare_NF: Floats) -> None:
    """Write silu(gate) * up."""
    rows, width = act_NF.shape
    for n in range(rows):
        for f in range(width):
            spare_NF[n, f] = -gate_up_NF[n, f]
    exponentials(spare_NF, rows * width)
    for n in range(rows):
        for f in range(width):
            act_NF[n, f] = gate_up_NF[n, f] / (np.float32(1) + spare_NF[n, f]) * gate_up_NF[n, width + f]


@compiled
def draw_tokens(
    logits_NV: Floats,
    uniform_N: NDArray[np.float64],
    temperature: float,
    probs_NV: Floats,
    tokens_N: NDArray[np.int64],
    logprobs_N: Floats,
) -> None:
    """See `sampling.sample`; the logits themselves are divided by the temperature and shifted."""
    rows, size = logits_NV.shape
    for n in range(rows):
        for v in range(size if temperature > 0 and temperature != 1 else 0):
            logits_NV[n, v] /= np.float32(temperature)
        top = logits_NV[n, 0]
        for v in range(size):
            top = max(top, logits_NV[n, v])
        for v in range(size):
            logits_NV[n, v] -= top
            probs_NV[n, v] = logits_NV[n, v]
    exponentials(probs_NV, rows * size)
    for n in range(rows):
        total = 0.0
        for v in range(size):
            total += probs_NV[n, v]
        tokens_N[n] = np.argmax(logits_NV[n]) if temperature == 0 else _first_above(probs_NV[n], uniform_N[n] * total)
        logprobs_N[n] = logits_NV[n, tokens_N[n]] - np.log(total)


@compiled
def _first_above(probs_V: Floats, threshold: float) -> int:
    below = 0.0
    for v in range(len(probs_V)):
        below += probs_V[v]
        if below > threshold:
            return v
    return len(probs_V) - 1
