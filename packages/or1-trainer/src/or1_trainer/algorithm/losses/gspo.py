"""Group sequence policy optimisation (Zheng et al. 2025, arXiv 2507.18071, eq. 5 to 7): one ratio per sequence.

s = (pi(y) / pi_proximal(y))^(1/|y|), clipped like a token's ratio; the mean is over sequences (`loss.aggregate =
"sequence"`), so that each token of a sequence carries s A / |y|. Their clip range is some 3e-4 to 4e-4.
"""

from __future__ import annotations

import torch

from or1_trainer.algorithm.losses.clipped import clipped_ratio
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.algorithm.tokens import Tokens, sequence_mean
from or1_trainer.config.schema import LossSettings


def gspo(tokens: Tokens, settings: LossSettings) -> Surrogate:
    """See the module."""
    ratio_M = torch.exp(sequence_mean(tokens.logprobs_M - tokens.proximal_M, tokens.sequence_M, tokens.lengths_B))
    return clipped_ratio(ratio_M, tokens, settings)
