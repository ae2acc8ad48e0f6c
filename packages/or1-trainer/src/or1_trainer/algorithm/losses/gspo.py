"""Group sequence policy optimization: one ratio per sequence (Zheng et al. 2025, arXiv 2507.18071, eq. 5 to 7).

s = (pi(y) / pi_proximal(y))^(1/|y|), clipped like a token's ratio; the mean is over sequences (`loss.aggregate =
"sequence"`), so that each token of a sequence carries s A / |y|. The paper's clip range is some 3e-4 to 4e-4.
"""

from __future__ import annotations

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs, sequence_mean
from or1_trainer.algorithm.losses.clipped import clipped_ratio
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.config.schema import LossSettings


def gspo(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """The sequence's ratio, clipped; differentiable in `logprobs_M`."""
    ratio_M = torch.exp(sequence_mean(logprobs_M - inputs.proximal_M, inputs.sequence_M, inputs.lengths_B))
    return clipped_ratio(ratio_M, inputs.advantages_M, settings)
