"""Policy-gradient objectives by `loss.kind`. Axis: M response tokens of one micro-batch.

rho = pi / pi_proximal is a token's ratio, A its advantage; low and high are `loss.clip_low` and `loss.clip_high`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs, sequence_mean
from or1_trainer.config.schema import LossSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surrogate:
    """`objective_M` is maximized; ratio and clip masks go into the metrics."""

    objective_M: Tensor
    ratio_M: Tensor
    clipped_low_M: Tensor
    clipped_high_M: Tensor


def clipped(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """The clipped ratio of PPO and GRPO, with separate bounds (Skywork-OR1, arXiv 2505.22312, eq. 3.1).

    min(rho A, clip(rho, 1 - low, 1 + high) A) per token.
    """
    return _clipped_ratio(torch.exp(logprobs_M - inputs.proximal_M), inputs.advantages_M, settings)


def gspo(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """Group sequence policy optimization: one ratio per sequence (Zheng et al. 2025, arXiv 2507.18071, eq. 5 to 7).

    s = (pi(y) / pi_proximal(y))^(1/|y|), clipped like a token's ratio; the mean is over sequences (`loss.aggregate =
    "sequence"`), so that each token of a sequence carries s A / |y|. The paper's clip range is some 3e-4 to 4e-4.
    """
    ratio_M = torch.exp(sequence_mean(logprobs_M - inputs.proximal_M, inputs.sequence_M, inputs.lengths_B))
    return _clipped_ratio(ratio_M, inputs.advantages_M, settings)


def cispo(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """CISPO: clipped importance-sampling weights (MiniMax-M1, arXiv 2506.13585, eq. 4).

    sg(clip(rho, 1 - low, 1 + high)) A log pi: the weight is bounded and has no gradient, so every token keeps its own.
    """
    low, high = 1.0 - settings.clip_low, 1.0 + settings.clip_high
    ratio_M = torch.exp(logprobs_M - inputs.proximal_M).detach()
    return Surrogate(
        objective_M=ratio_M.clamp(low, high) * inputs.advantages_M * logprobs_M,
        ratio_M=ratio_M,
        clipped_low_M=ratio_M < low,
        clipped_high_M=ratio_M > high,
    )


def clip_cov(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """Clip-Cov: no gradient for the tokens of highest covariance (Cui et al. 2025, arXiv 2505.22617, eq. 10 and 11).

    The clipped ratio, without the tokens whose log-prob and advantage vary together the most: those pull entropy down.
    The paper draws them at random from a band of high covariances; here they are the top `loss.covariance_share`, so
    that a step is a function of its batch. They count as clipped.
    """
    assert inputs.selected_M is not None
    plain = clipped(logprobs_M, inputs, settings)
    return replace(
        plain,
        objective_M=torch.where(inputs.selected_M, plain.objective_M.detach(), plain.objective_M),
        clipped_high_M=plain.clipped_high_M | inputs.selected_M,
    )


def kl_cov(logprobs_M: Tensor, inputs: FixedInputs, settings: LossSettings) -> Surrogate:
    """KL-Cov: a KL penalty on the tokens of highest covariance (Cui et al. 2025, arXiv 2505.22617, eq. 12 and 13).

    rho A, without clipping, minus beta |log rho| on the top `loss.covariance_share` of tokens by the covariance of
    log-prob and advantage, which count as clipped. `loss.covariance_beta` is beta.
    """
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


def _clipped_ratio(ratio_M: Tensor, advantages_M: Tensor, settings: LossSettings) -> Surrogate:
    low, high = 1.0 - settings.clip_low, 1.0 + settings.clip_high
    return Surrogate(
        objective_M=torch.minimum(ratio_M * advantages_M, ratio_M.clamp(low, high) * advantages_M),
        ratio_M=ratio_M,
        clipped_low_M=(ratio_M < low) & (advantages_M < 0),
        clipped_high_M=(ratio_M > high) & (advantages_M > 0),
    )


SURROGATES: Final[dict[str, Callable[[Tensor, FixedInputs, LossSettings], Surrogate]]] = {
    "clipped": clipped,
    "gspo": gspo,
    "cispo": cispo,
    "clip_cov": clip_cov,
    "kl_cov": kl_cov,
}
"""`loss.kind` -> objective, a function of the policy's log-probs [M], the fixed inputs and the settings."""

NEEDS_COVARIANCE: Final = frozenset({"clip_cov", "kl_cov"})
"""Kinds that need `FixedInputs.selected_M`."""
