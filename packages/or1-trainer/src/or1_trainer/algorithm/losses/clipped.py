"""The clipped ratio of PPO and GRPO with its own lower and upper bound: MAGIC's (PAPER eq. 3.1).

min(rho A, clip(rho, 1 - low, 1 + high) A), rho = pi / pi_proximal, per token.
"""

from __future__ import annotations

import torch

from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.algorithm.tokens import Tokens
from or1_trainer.config.schema import LossSettings


def clipped(tokens: Tokens, settings: LossSettings) -> Surrogate:
    """See the module."""
    ratio_M = torch.exp(tokens.logprobs_M - tokens.proximal_M)
    return clipped_ratio(ratio_M, tokens, settings)


def clipped_ratio(ratio_M: torch.Tensor, tokens: Tokens, settings: LossSettings) -> Surrogate:
    """The same for any ratio."""
    low, high = 1.0 - settings.clip_low, 1.0 + settings.clip_high
    advantages_M = tokens.advantages_M
    return Surrogate(
        objective_M=torch.minimum(ratio_M * advantages_M, ratio_M.clamp(low, high) * advantages_M),
        ratio_M=ratio_M,
        clipped_low_M=(ratio_M < low) & (advantages_M < 0),
        clipped_high_M=(ratio_M > high) & (advantages_M > 0),
    )
