"""Weights and cache of a batch as compiled functions take them: numpy views of the tensors.

Axes: L layers, H hidden, V vocabulary, D head size, Q = g * (R + 2) * D, X = g * R * D, F feed-forward width, N rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from or1_rollout.compiled import Floats
from or1_rollout.engines.transformers.weights import FusedWeights


class CompiledWeights(NamedTuple):
    """Views of `FusedWeights`, matrices as they lie in memory: [in, out]."""

    embedding_VH: Floats
    norm_H: Floats
    head_VH: Floats
    eps: Floats
    input_norm_LH: Floats
    qkv_LHQ: Floats
    qkv_bias_LQ: Floats
    has_head_norms: bool
    q_norm_LD: Floats
    k_norm_LD: Floats
    out_LXH: Floats
    mlp_norm_LH: Floats
    gate_up_LHF: Floats
    """[layers, H, 2 F]."""
    down_LFH: Floats


class CompiledCache(NamedTuple):
    """Views of `steps.Cache`: [L, N * g, ...]; the first `pads_N` columns of each row are padding."""

    keys: Floats
    values: Floats
    pads_N: NDArray[np.int64]


def compiled_weights(weights: FusedWeights) -> CompiledWeights:
    """Views that follow every push."""
    model, layers = weights.model, weights.stacked
    bias, q_norm, k_norm = layers.qkv_bias, layers.q_norm, layers.k_norm
    no_bias, no_norm = layers.qkv.new_zeros(layers.qkv.shape[:2]), layers.qkv.new_zeros((len(layers.qkv), 1))

    def lying(turned: Tensor) -> Floats:
        array: Floats = turned.transpose(1, 2).numpy()
        return array

    return CompiledWeights(
        embedding_VH=model.embedding.numpy(),
        norm_H=model.norm.numpy(),
        head_VH=model.head.numpy(),
        eps=model.eps.numpy(),
        input_norm_LH=layers.input_norm.numpy(),
        qkv_LHQ=lying(layers.qkv),
        qkv_bias_LQ=(no_bias if bias is None else bias).numpy(),
        has_head_norms=q_norm is not None,
        q_norm_LD=(no_norm if q_norm is None else q_norm).numpy(),
        k_norm_LD=(no_norm if k_norm is None else k_norm).numpy(),
        out_LXH=lying(layers.out),
        mlp_norm_LH=layers.mlp_norm.numpy(),
        gate_up_LHF=lying(layers.gate_up),
        down_LFH=lying(layers.down),
    )
