"""KL-Cov (Cui et al. 2025, arXiv 2505.22617, eq. 12 and 13): a KL penalty on the tokens of highest covariance.

rho A, without clipping, minus beta |log pi - log pi_proximal| on the top share (`loss.covariance_share`) of tokens by
the covariance of log-prob and advantage. `loss.covariance_beta` is beta.
"""

from __future__ import annotations

import torch

from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.algorithm.tokens import Tokens
from or1_trainer.config.schema import LossSettings


def kl_cov(tokens: Tokens, settings: LossSettings) -> Surrogate:
    """See the module. `tokens.selected_M` must be there."""
    assert tokens.selected_M is not None
    log_ratio_M = tokens.logprobs_M - tokens.proximal_M
    ratio_M = torch.exp(log_ratio_M)
    penalty_M = settings.covariance_beta * log_ratio_M.abs() * tokens.selected_M
    nothing_M = torch.zeros_like(tokens.selected_M)
    return Surrogate(
        objective_M=ratio_M * tokens.advantages_M - penalty_M,
        ratio_M=ratio_M,
        clipped_low_M=nothing_M,
        clipped_high_M=tokens.selected_M,
    )
