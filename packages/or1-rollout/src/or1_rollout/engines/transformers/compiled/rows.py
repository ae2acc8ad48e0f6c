"""SwiGLU of rows, compiled by numba.

Axes: N rows, F feed-forward width.
"""

from __future__ import annotations

import numpy as np

from or1_rollout.compiled import Floats, compiled
from or1_rollout.mkl import exponentials


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
