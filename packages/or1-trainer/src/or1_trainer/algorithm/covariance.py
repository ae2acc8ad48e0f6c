"""The tokens whose log-prob and advantage vary together the most: they drive entropy down (arXiv 2505.22617).

cov_t = (log pi_t - mean log pi)(A_t - mean A), means over the whole optimizer step. Axes: N response tokens of the
step over all micro-batches and ranks, M those of one micro-batch.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CovarianceCut:
    """The covariance at which the top share of tokens begins, and the means it is taken around."""

    mean_logprob: float
    mean_advantage: float
    lowest: float

    def selected(self, logprobs_M: Tensor, advantages_M: Tensor) -> Tensor:
        """True for the tokens of the top share. [M] each -> bool [M]."""
        centered_M = logprobs_M.detach().double() - self.mean_logprob
        return centered_M * (advantages_M.double() - self.mean_advantage) >= self.lowest


def covariance_cut(logprobs_N: Floats, advantages_N: Floats, share: float) -> CovarianceCut:
    """Find the cut above which the top `share` of tokens lies: at least one, and all that tie with the last."""
    mean_logprob, mean_advantage = float(logprobs_N.mean()), float(advantages_N.mean())
    covariance_N = (logprobs_N - mean_logprob) * (advantages_N - mean_advantage)
    place = len(covariance_N) - max(1, math.floor(share * len(covariance_N)))
    lowest = float(np.partition(covariance_N, place)[place])
    return CovarianceCut(mean_logprob=mean_logprob, mean_advantage=mean_advantage, lowest=lowest)
