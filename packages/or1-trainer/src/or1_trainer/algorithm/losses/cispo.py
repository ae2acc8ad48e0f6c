"""CISPO: clipped importance-sampling weights (MiniMax-M1, arXiv 2506.13585, eq. 4).

sg(clip(rho, 1 - low, 1 + high)) A log pi: the weight is bounded and has no gradient, so every token keeps its own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.config.schema import LossSettings


def cispo(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """The log-prob weighted by advantage and clipped ratio; differentiable in `logprobs_M`."""
    low, high = 1.0 - settings.clip_low, 1.0 + settings.clip_high
    ratio_M = torch.exp(logprobs_M - inputs.proximal_M).detach()
    return Surrogate(
        objective_M=ratio_M.clamp(low, high) * inputs.advantages_M * logprobs_M,
        ratio_M=ratio_M,
        clipped_low_M=ratio_M < low,
        clipped_high_M=ratio_M > high,
    )
