"""`steps.decode_block` as one compiled function.

With 32 rows at 0.13M parameters an operation of torch costs more to call than to compute; here only the products are
calls, of MKL. The same arithmetic up to rounding, without top-p and top-k.

Axes: N rows, T tokens of the block, P pairs of a head, V vocabulary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from or1_rollout.compiled import Floats, compiled, room
from or1_rollout.engines.transformers.compiled.attention import attend_cache
from or1_rollout.engines.transformers.compiled.rows import draw_tokens, gate_rows, norm_heads, norm_rows, turn_heads
from or1_rollout.engines.transformers.compiled.weights import CompiledCache, CompiledWeights
from or1_rollout.engines.transformers.steps import Shape
from or1_rollout.mkl import multiply


@compiled
def decode_block(
    weights: CompiledWeights,
    cache: CompiledCache,
    column: int,
    logits_NV: Floats,
    uniform_NT: NDArray[np.float64],
    turns_NTP: NDArray[np.complex64],
    shape: Shape,
) -> tuple[NDArray[np.int64], Floats]:
    """See `steps.decode_block`: tokens and log-probs, [N, T]; the logits of what follows replace `logits_NV`."""
    rows, block = uniform_NT.shape
    layers, hidden_size, mixed_size = weights.qkv_LHQ.shape
    width, eps = weights.down_LFH.shape[1], weights.eps[0]
    hidden, normed, mixed = room(rows, hidden_size), room(rows, hidden_size), room(rows, mixed_size)
    gate_up, act, spare = room(rows, 2 * width), room(rows, width), room(rows, width)
    probs, scores = room(*logits_NV.shape), room(rows * shape.groups * shape.queries, cache.keys.shape[3])
    tokens_TN, logprobs_TN = np.empty((block, rows), np.int64), room(block, rows)
    for t in range(block):
        draw_tokens(logits_NV, uniform_NT[:, t], shape.temperature, probs, tokens_TN[t], logprobs_TN[t])
        if t == turns_NTP.shape[1]:
            break
        for n in range(rows):
            hidden[n] = weights.embedding_VH[tokens_TN[t, n]]
        for layer in range(layers):
            norm_rows(hidden, weights.input_norm_LH[layer], eps, normed)
            mixed[:] = weights.qkv_bias_LQ[layer]
            multiply(normed, weights.qkv_LHQ[layer], mixed, 1.0)
            if weights.has_head_norms:
                norm_heads(mixed, weights.q_norm_LD[layer], weights.k_norm_LD[layer], eps, shape)
            turn_heads(mixed, turns_NTP[:, t], shape)
            context = attend_cache(
                mixed, cache.keys[layer], cache.values[layer], cache.pads_N, column + t, shape, scores
            )
            multiply(context, weights.out_LXH[layer], hidden, 1.0)
            norm_rows(hidden, weights.mlp_norm_LH[layer], eps, normed)
            multiply(normed, weights.gate_up_LHF[layer], gate_up, 0.0)
            gate_rows(gate_up, act, spare)
            multiply(act, weights.down_LFH[layer], hidden, 1.0)
        norm_rows(hidden, weights.norm_H, eps, normed)
        multiply(normed, weights.head_VH, logits_NV, 0.0, True)
    return tokens_TN.T, logprobs_TN.T
