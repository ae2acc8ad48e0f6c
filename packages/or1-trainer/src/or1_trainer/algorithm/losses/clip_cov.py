"""Clip-Cov (Cui et al. 2025, arXiv 2505.22617, eq. 10 and 11): no gradient for the tokens of highest covariance.

The clipped ratio, but tokens whose log-prob and advantage vary together the most, which are those that pull entropy
down, are left out. The paper draws them at random from a band of high covariances; here they are the top share
(`loss.covariance_share`), so that a step is a function of its batch.
"""

from __future__ import annotations

import torch

from or1_trainer.algorithm.losses.clipped import clipped
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.algorithm.tokens import Tokens
from or1_trainer.config.schema import LossSettings


def clip_cov(tokens: Tokens, settings: LossSettings) -> Surrogate:
    """See the module. `tokens.selected_M` must be there."""
    assert tokens.selected_M is not None
    plain = clipped(tokens, settings)
    objective_M = torch.where(tokens.selected_M, plain.objective_M.detach(), plain.objective_M)
    return Surrogate(
        objective_M=objective_M,
        ratio_M=plain.ratio_M,
        clipped_low_M=plain.clipped_low_M,
        clipped_high_M=plain.clipped_high_M | tokens.selected_M,
    )
