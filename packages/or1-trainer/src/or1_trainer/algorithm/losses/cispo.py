"""Clipped importance-sampling weights (MiniMax-M1, arXiv 2506.13585, eq. 4): every token keeps a gradient.

sg(clip(rho, 1 - low, 1 + high)) A log pi: the weight is bounded and constant, instead of the gradient being cut off.
"""

from __future__ import annotations

import torch

from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.algorithm.tokens import Tokens
from or1_trainer.config.schema import LossSettings


def cispo(tokens: Tokens, settings: LossSettings) -> Surrogate:
    """See the module."""
    low, high = 1.0 - settings.clip_low, 1.0 + settings.clip_high
    ratio_M = torch.exp(tokens.logprobs_M - tokens.proximal_M).detach()
    return Surrogate(
        objective_M=ratio_M.clamp(low, high) * tokens.advantages_M * tokens.logprobs_M,
        ratio_M=ratio_M,
        clipped_low_M=ratio_M < low,
        clipped_high_M=ratio_M > high,
    )
