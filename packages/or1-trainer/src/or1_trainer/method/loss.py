"""The MAGIC loss (PAPER eq. 3.1): one token mean over all kept response tokens of the optimiser step.

Axis: M response tokens of one micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTerms:
    """One micro-batch's share of the loss, and the sums that its metrics are made of.

    Every field of `sums` is a sum over tokens, so that adding micro-batches and ranks and dividing by the token count
    gives the value for the step.
    """

    loss: Tensor
    sums: dict[str, Tensor]


def magic_loss(
    logprobs_M: Tensor,
    behaviour_M: Tensor,
    advantages_M: Tensor,
    entropy_M: Tensor,
    *,
    alpha: float,
    clip_low: float,
    clip_high: float,
    num_tokens: int,
) -> LossTerms:
    """-(1/N) sum_t [ min(rho A, clip(rho, 1 - clip_low, 1 + clip_high) A) + alpha H ].

    `num_tokens` is N of the whole optimiser step, over all micro-batches and ranks: the returned losses therefore add
    up to the loss of eq. 3.1 whatever the split, and their gradients too. Differentiable in `logprobs_M` and
    `entropy_M`; the behaviour log-probs are constants.
    """
    ratio_M = torch.exp(logprobs_M - behaviour_M)
    clipped_M = ratio_M.clamp(1.0 - clip_low, 1.0 + clip_high)
    surrogate_M = torch.minimum(ratio_M * advantages_M, clipped_M * advantages_M)
    policy = -surrogate_M.sum()
    bonus = entropy_M.sum()
    loss = (policy - alpha * bonus) / num_tokens
    with torch.no_grad():
        sums = {
            "policy": policy.detach(),
            "entropy": bonus.detach(),
            "clipped_low": ((ratio_M < 1.0 - clip_low) & (advantages_M < 0)).sum(),
            "clipped_high": ((ratio_M > 1.0 + clip_high) & (advantages_M > 0)).sum(),
            "ratio": ratio_M.sum(),
        }
    return LossTerms(loss=loss, sums=sums)
