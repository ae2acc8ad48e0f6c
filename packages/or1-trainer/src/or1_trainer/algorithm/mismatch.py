"""The gap between trainer and engine on the same tokens, and importance weights that correct for it.

d = log pi_proximal (the trainer's) - log pi_behavior (the engine's), per response token. The gap has two causes: other
kernels, and weights that are some steps old. Axis: M response tokens of one micro-batch.
"""

import math

import torch
from msgspec.structs import replace
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import sequence_mean
from or1_trainer.config.schema import MismatchSettings


def resolve_mismatch(settings: MismatchSettings, *, engine: str, ahead: int) -> MismatchSettings:
    """Replace "auto" by what it stands for (docs/rollouts.md).

    Ahead of training the samples come from older weights, and the ratio is taken against those (coupled): with one
    optimizer step a batch the decoupled ratio is 1, so that no clip ever bounds how far stale samples move the policy.
    vLLM on the weights of now: the geometric sequence mask. The embedded engine computes in the
    trainer's own precision and agrees to rounding: nothing to correct.
    """
    proximal, correction = settings.proximal, settings.correction
    if proximal == "auto":
        proximal = "engine" if ahead and correction == "auto" else "trainer"
    if correction == "auto":
        correction = "none" if proximal == "engine" or engine == "transformers" else "geometric_mask"
    return replace(settings, proximal=proximal, correction=correction)


def correction_weights(
    difference_M: Tensor, sequence_M: Tensor, lengths_B: Tensor, settings: MismatchSettings
) -> Tensor:
    """Weight per token by `settings.correction`, of the difference d, which has no gradient; 0 where it is masked.

    * "token_tis": min(e^d, C), truncated importance sampling per token (Yao et al. 2025).
    * "icepop": e^d if low <= e^d <= high else 0, per token (IcePop, Ling Team 2025).
    * "sequence_mask": 1 if 1/C <= e^(sum d) <= C else 0, for all tokens of a sequence.
    * "geometric_mask": 1 if low <= e^(mean d) <= high else 0, for all tokens of a sequence: no bias against long ones.
    """
    if settings.correction == "token_tis":
        return difference_M.exp().clamp(max=settings.tis_cap)
    if settings.correction == "icepop":
        ratio_M = difference_M.exp()
        return ratio_M * ((ratio_M >= settings.icepop_low) & (ratio_M <= settings.icepop_high))
    mean_M = sequence_mean(difference_M, sequence_M, lengths_B)
    if settings.correction == "sequence_mask":
        total_M = mean_M * lengths_B[sequence_M]
        return (total_M.abs() <= math.log(settings.sequence_cap)).to(total_M.dtype)
    ratio_M = mean_M.exp()
    return ((ratio_M >= settings.geometric_low) & (ratio_M <= settings.geometric_high)).to(ratio_M.dtype)


def mismatch_sums(trainer_M: Tensor, behavior_M: Tensor, correction_M: Tensor | None = None) -> dict[str, float]:
    """Sums over tokens: |d|, k3 = e^d - 1 - d, the weights w = e^d and w^2, count and masked; and the largest |d|."""
    difference = (trainer_M - behavior_M).double()
    weight, size = difference.exp(), difference.abs()
    none = difference.new_zeros(())
    sums = {
        "abs": size.sum(),
        "k3": (weight - 1.0 - difference).sum(),
        "weight": weight.sum(),
        "weight_squared": torch.dot(weight, weight),
        "masked": none if correction_M is None else (correction_M == 0).sum(dtype=torch.float64),
        "max_abs": size.max() if difference.numel() else none,
    }
    values = torch.stack(list(sums.values())).tolist()  # one transfer from the device for all of them
    return {"count": float(difference.numel()), **dict(zip(sums, values, strict=True))}


def mismatch_metrics(totals: dict[str, float]) -> dict[str, float]:
    """Token means, the largest difference, the effective sample size (sum w)^2 / (n sum w^2), and the masked share."""
    count = totals.get("count", 0.0)
    if not count:
        return {}
    return {
        "mismatch/mean_abs": totals["abs"] / count,
        "mismatch/max_abs": totals["max_abs"],
        "mismatch/k3": totals["k3"] / count,
        "mismatch/ess": totals["weight"] ** 2 / (count * totals["weight_squared"]),
        "mismatch/masked_rate": totals["masked"] / count,
    }
