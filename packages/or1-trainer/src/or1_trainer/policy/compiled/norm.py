"""RMS norm forward and backward, compiled; the formulas are those of `megatron.norm`.

Axes: T rows, H elements of each.
"""

import numpy as np

from or1_rollout.compiled import Floats, compiled


@compiled
def norm(rows_TH: Floats, weight_H: Floats, eps: float, normed_TH: Floats, inverse_T: Floats) -> None:
    """Write x r w, and r of every row."""
    width = rows_TH.shape[1]
    for t in range(len(rows_TH)):
        squares = np.float32(0)
        for h in range(width):
            squares += rows_TH[t, h] * rows_TH[t, h]
        inverse = np.float32(1) / np.sqrt(squares / np.float32(width) + np.float32(eps))
        inverse_T[t] = inverse
        for h in range(width):
            normed_TH[t, h] = rows_TH[t, h] * inverse * weight_H[h]


@compiled
def norm_grad(
    grad_TH: Floats, rows_TH: Floats, inverse_T: Floats, weight_H: Floats, out_TH: Floats, grad_weight_H: Floats
) -> None:
    """Write the gradient of the rows over `out_TH`, and add that of the weight to `grad_weight_H`."""
    width = rows_TH.shape[1]
    for t in range(len(rows_TH)):
        inverse, along = inverse_T[t], np.float32(0)
        for h in range(width):
            product = grad_TH[t, h] * rows_TH[t, h]
            along += product * weight_H[h]
            grad_weight_H[h] += product * inverse
        shrink = along * inverse * inverse * inverse / np.float32(width)
        for h in range(width):
            out_TH[t, h] = grad_TH[t, h] * weight_H[h] * inverse - rows_TH[t, h] * shrink
