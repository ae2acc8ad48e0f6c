"""Products with weight matrices."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.processor import is_intel

ONEDNN_PRODUCTS = 2**21
"""Multiplications from which a float32 product on a CPU goes to oneDNN, which costs 10 microseconds more to call."""

_PREFERS_ONEDNN = torch.backends.mkldnn.is_available() and not is_intel()


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias` over the last axis; no gradient flows through it.

    torch multiplies float32 matrices on CPUs with MKL, which takes its AVX2 code on processors that Intel did not
    make: 112 GFLOP/s on a core of an AMD EPYC, where oneDNN reaches 254 (2100 x 128 by 128 x 1024). On an Intel Xeon
    MKL is as fast with large matrices and up to twice as fast with small ones (64 x 128 by 128 x 256).
    """
    is_float32 = x.dtype == torch.float32 and x.is_cpu
    if is_float32 and _PREFERS_ONEDNN and x.numel() * weight.shape[0] >= ONEDNN_PRODUCTS:
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return product
    return F.linear(x, weight, bias)
