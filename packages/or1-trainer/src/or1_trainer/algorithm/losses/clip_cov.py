"""Clip-Cov: no gradient for the tokens of highest covariance (Cui et al. 2025, arXiv 2505.22617, eq. 10 and 11).

The clipped ratio, without the tokens whose log-prob and advantage vary together the most: those pull entropy down.
The paper draws them at random from a band of high covariances; here they are the top `loss.covariance_share`, so that
a step is a function of its batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses.clipped import clipped
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.config.schema import LossSettings


def clip_cov(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """The clipped ratio, detached where `inputs.selected_M`; counts the selected tokens as clipped."""
    assert inputs.selected_M is not None
    plain = clipped(logprobs_M, inputs, settings)
    objective_M = torch.where(inputs.selected_M, plain.objective_M.detach(), plain.objective_M)
    return Surrogate(
        objective_M=objective_M,
        ratio_M=plain.ratio_M,
        clipped_low_M=plain.clipped_low_M,
        clipped_high_M=plain.clipped_high_M | inputs.selected_M,
    )
