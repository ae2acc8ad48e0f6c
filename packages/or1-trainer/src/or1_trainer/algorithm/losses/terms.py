"""What every policy-gradient objective returns. Axis: M response tokens of one micro-batch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surrogate:
    """`objective_M` is maximized; ratio and clip masks go into the metrics."""

    objective_M: Tensor
    ratio_M: Tensor
    clipped_low_M: Tensor
    clipped_high_M: Tensor
