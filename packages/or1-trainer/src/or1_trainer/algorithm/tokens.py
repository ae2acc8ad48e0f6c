"""The response tokens of one micro-batch as a loss sees them.

Axes: M response tokens, B sequences. The proximal policy is the one at the start of the update, whose log-probs the
trainer computed itself; the engine's are those of the policy that sampled, by the engine's kernels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tokens:
    """Differentiable: `logprobs_M` and `entropy_M`. Everything else is constant."""

    logprobs_M: Tensor
    entropy_M: Tensor
    proximal_M: Tensor
    advantages_M: Tensor
    sequence_M: Tensor
    """Which sequence of the micro-batch each token belongs to, 0 to B - 1."""
    lengths_B: Tensor
    """Response tokens of each sequence."""
    correction_M: Tensor | None = None
    """Weight that makes up for the engine's policy being another one than the proximal (`method.mismatch`)."""
    reference_M: Tensor | None = None
    """Log-probs of the frozen reference policy, where a KL term wants them."""
    selected_M: Tensor | None = None
    """Tokens of highest covariance (`method.covariance`), where a loss wants them."""


def sequence_mean(values_M: Tensor, sequence_M: Tensor, lengths_B: Tensor) -> Tensor:
    """Mean over each sequence's tokens, given back to each of its tokens; differentiable. [M] -> [M]."""
    sums_B = torch.zeros(len(lengths_B), dtype=values_M.dtype, device=values_M.device)
    sums_B = sums_B.index_add(0, sequence_M, values_M)
    return (sums_B / lengths_B)[sequence_M]
