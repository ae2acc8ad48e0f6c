"""The loss of one optimizer step, in shares that micro-batches and ranks add up.

Skywork-OR1, arXiv 2505.22312, eq. 3.1, and its relatives:

    -(1/D) sum_t w_t [ c_t J_t + alpha H_t - beta k3_t - beta_T rho_t log(pi / teacher)_t ]

J is the objective (`algorithm/losses.py`), c the mismatch correction, H the entropy, k3 the KL estimate against the
reference; the last term is there where a teacher is distilled. `loss.aggregate` decides w and D: "token" w = 1, D = all
response tokens (the report's token mean over the batch); "sequence" w = 1 / length, D = all sequences; "constant"
w = 1, D = sequences x longest response (Dr. GRPO, Liu et al. 2025, arXiv 2503.20783: no length bias). Axis: M response
tokens of one micro-batch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses import SURROGATES
from or1_trainer.config.schema import LossSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Size of the whole optimizer step, over all micro-batches and ranks."""

    num_tokens: int
    """Response tokens."""
    num_sequences: int
    context_tokens: int
    """The longest response that the stage allows."""


def policy_loss(
    logprobs_M: Tensor,
    entropy_M: Tensor,
    inputs: FixedInputs,
    settings: LossSettings,
    extent: Extent,
    *,
    alpha: float,
    distill_beta: float = 0.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """This micro-batch's share of the loss, and the sums that its metrics are made of.

    Differentiable in `logprobs_M` and `entropy_M`. Both results are already divided by the whole step's extent:
    adding them up over micro-batches and ranks gives the step's values.
    """
    surrogate = SURROGATES[settings.kind](logprobs_M, inputs, settings)
    weights_M, divisor = _weights(inputs, settings.aggregate, extent)
    objective_M = surrogate.objective_M
    if inputs.correction_M is not None:
        objective_M = objective_M * inputs.correction_M
    policy = -(weights_M * objective_M).sum() / divisor
    bonus = (weights_M * entropy_M).sum() / divisor
    loss = policy - alpha * bonus
    sums = {"policy": policy.detach(), "entropy": bonus.detach()}
    if inputs.reference_M is not None:
        distance = (weights_M * k3(logprobs_M, inputs.reference_M)).sum() / divisor
        loss = loss + settings.kl_beta * distance
        sums["kl"] = distance.detach()
    if inputs.teacher_M is not None:
        distance = (weights_M * reverse_kl(logprobs_M, inputs.proximal_M, inputs.teacher_M)).sum() / divisor
        loss = loss + distill_beta * distance
        sums["teacher_kl"] = distance.detach()
    with torch.no_grad():
        sums["clipped_low"] = surrogate.clipped_low_M.sum() / extent.num_tokens
        sums["clipped_high"] = surrogate.clipped_high_M.sum() / extent.num_tokens
        sums["ratio"] = surrogate.ratio_M.sum() / extent.num_tokens
    return loss, sums


def k3(logprobs_M: Tensor, reference_M: Tensor) -> Tensor:
    """Schulman's k3 estimate of KL(pi || reference) per token: e^d - d - 1 with d = log reference - log pi; >= 0."""
    difference_M = reference_M - logprobs_M
    return difference_M.exp() - difference_M - 1.0


def reverse_kl(logprobs_M: Tensor, proximal_M: Tensor, teacher_M: Tensor) -> Tensor:
    """An estimate of KL(pi || teacher) per token whose gradient is one of its gradient.

    rho (log pi_proximal - log teacher), rho = pi / pi_proximal: the expectation over the proximal policy's tokens of
    rho d has the gradient E[d grad log pi] at rho = 1, which is that of the KL of the token's distribution.
    """
    return torch.exp(logprobs_M - proximal_M) * (proximal_M - teacher_M).detach()


def _weights(inputs: FixedInputs, aggregate: str, extent: Extent) -> tuple[Tensor | float, float]:
    if aggregate == "sequence":
        lengths_M = inputs.lengths_B[inputs.sequence_M].to(inputs.proximal_M.dtype)
        return 1.0 / lengths_M, float(extent.num_sequences)
    if aggregate == "constant":
        return 1.0, float(extent.num_sequences * extent.context_tokens)
    return 1.0, float(extent.num_tokens)
