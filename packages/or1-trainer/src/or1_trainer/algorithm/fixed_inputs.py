"""The fixed inputs of a loss: everything about a micro-batch's response tokens that an optimizer step leaves as it is.

Three policies meet here. The *behavior* policy sampled the tokens, in the rollout engine. The *proximal* policy is the
one that the ratio is taken against: the trainer's own at the start of the update, or the behavior policy. The
*reference* policy is the frozen one of a KL term.

Axes: M response tokens of one micro-batch, B sequences.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FixedInputs:
    """Log-probs, advantages and masks that the policy's log-probs are compared with; none of them has a gradient."""

    trainer_M: Tensor
    """The trainer's own log-probs at the start of the update."""
    proximal_M: Tensor
    """Log-probs of the policy that the ratio is taken against."""
    advantages_M: Tensor
    sequence_M: Tensor
    """Which sequence of the micro-batch each token belongs to, 0 to B - 1."""
    lengths_B: Tensor
    """Response tokens of each sequence."""
    behavior_M: Tensor | None = None
    """Log-probs that the engine gave with the tokens; None where it gives none."""
    correction_M: Tensor | None = None
    """Importance weight for the gap between proximal and behavior policy (`algorithm/mismatch.py`)."""
    reference_M: Tensor | None = None
    """Log-probs of the reference policy, where the loss has a KL term."""
    teacher_M: Tensor | None = None
    """Log-probs of the teacher that the policy is distilled from, where there is one."""
    selected_M: Tensor | None = None
    """Whether a token is among those of highest covariance (`algorithm/covariance.py`), where the loss needs it."""


def sequence_mean(values_M: Tensor, sequence_M: Tensor, lengths_B: Tensor) -> Tensor:
    """Mean over each sequence's tokens, given back to each of its tokens; differentiable. [M] -> [M]."""
    sums_B = torch.zeros(len(lengths_B), dtype=values_M.dtype, device=values_M.device)
    sums_B = sums_B.index_add(0, sequence_M, values_M)
    return (sums_B / lengths_B)[sequence_M]
