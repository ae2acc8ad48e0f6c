"""KL-Cov: a KL penalty on the tokens of highest covariance (Cui et al. 2025, arXiv 2505.22617, eq. 12 and 13).

rho A, without clipping, minus beta |log pi - log pi_proximal| on the top `loss.covariance_share` of tokens by the
covariance of log-prob and advantage. `loss.covariance_beta` is beta.
"""

from __future__ import annotations

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.config.schema import LossSettings


def kl_cov(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """The plain ratio, penalized where `inputs.selected_M`; counts the selected tokens as clipped."""
    assert inputs.selected_M is not None
    log_ratio_M = logprobs_M - inputs.proximal_M
    ratio_M = torch.exp(log_ratio_M)
    penalty_M = settings.covariance_beta * log_ratio_M.abs() * inputs.selected_M
    return Surrogate(
        objective_M=ratio_M * inputs.advantages_M - penalty_M,
        ratio_M=ratio_M,
        clipped_low_M=torch.zeros_like(inputs.selected_M),
        clipped_high_M=inputs.selected_M,
    )
