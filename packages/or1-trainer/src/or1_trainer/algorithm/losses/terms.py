"""What every surrogate returns. Axis: M response tokens."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surrogate:
    """`objective_M` is to be maximised; the others say what became of each token, for the metrics."""

    objective_M: Tensor
    ratio_M: Tensor
    clipped_low_M: Tensor
    clipped_high_M: Tensor
