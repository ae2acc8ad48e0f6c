"""The clipped ratio of PPO and GRPO, with separate lower and upper bounds (Skywork-OR1, arXiv 2505.22312, eq. 3.1).

min(rho A, clip(rho, 1 - low, 1 + high) A), rho = pi / pi_proximal, per token.
"""

from __future__ import annotations

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.config.schema import LossSettings


def clipped(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """The token's own ratio, clipped; differentiable in `logprobs_M`."""
    return clipped_ratio(torch.exp(logprobs_M - inputs.proximal_M), inputs.advantages_M, settings)


def clipped_ratio(ratio_M: Tensor, advantages_M: Tensor, settings: LossSettings) -> Surrogate:
    """The clipped objective of any ratio. [M] each."""
    low, high = 1.0 - settings.clip_low, 1.0 + settings.clip_high
    return Surrogate(
        objective_M=torch.minimum(ratio_M * advantages_M, ratio_M.clamp(low, high) * advantages_M),
        ratio_M=ratio_M,
        clipped_low_M=(ratio_M < low) & (advantages_M < 0),
        clipped_high_M=(ratio_M > high) & (advantages_M > 0),
    )
