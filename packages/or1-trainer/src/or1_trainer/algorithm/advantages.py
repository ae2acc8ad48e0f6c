"""Group advantages, with three treatments of truncated responses (Skywork-OR1, arXiv 2505.22312, eq. 2.5 and §3.2.3).

Axes: P problems, G responses per problem.
"""

from typing import Literal

import torch
from torch import Tensor

AdvantageMask = Literal["none", "before", "after"]

STD_EPSILON = 1e-6
"""Added to the standard deviation, as in the released code; the report states none."""


def group_advantages(
    rewards_PG: Tensor,
    valid_PG: Tensor,
    truncated_PG: Tensor,
    *,
    mask: AdvantageMask = "none",
    normalize_std: bool = True,
) -> Tensor:
    """A = (r - mean_G r) / (std_G r + 1e-6), over the members that count.

    `valid_PG` is False where the verifier failed: such a sample is no member of its group. With mask
    "before" truncated responses are no members either; with "after" they are members whose advantage is then 0.
    The deviation is the unbiased one, as in the released code (the report does not say). Groups whose members all
    have the same reward get exactly 0. [P, G] each -> [P, G] in the dtype of the rewards.
    """
    member_PG = valid_PG & ~truncated_PG if mask == "before" else valid_PG
    count_P1 = member_PG.sum(dim=1, keepdim=True)
    rewards_PG = rewards_PG.masked_fill(~member_PG, 0.0)
    mean_P1 = rewards_PG.sum(dim=1, keepdim=True) / count_P1.clamp(min=1)
    centered_PG = (rewards_PG - mean_P1).masked_fill(~member_PG, 0.0) * _has_spread(rewards_PG, member_PG)
    if normalize_std:
        variance_P1 = centered_PG.square().sum(dim=1, keepdim=True) / (count_P1 - 1).clamp(min=1)
        centered_PG = centered_PG / (variance_P1.sqrt() + STD_EPSILON)
    return centered_PG.masked_fill(truncated_PG, 0.0) if mask == "after" else centered_PG


def overlong_penalty(lengths_PG: Tensor, *, limit_P1: Tensor, buffer_tokens: int) -> Tensor:
    """Soft overlong punishment (DAPO, arXiv 2503.14476, eq. 13), added to the reward before its advantage.

    0 up to limit - buffer tokens, falling linearly to -1 at the limit; zeros where `buffer_tokens` is 0. [P, G]
    response lengths, [P, 1] limits -> [P, G] float64.
    """
    if not buffer_tokens:
        return torch.zeros_like(lengths_PG, dtype=torch.float64)
    return ((limit_P1 - buffer_tokens - lengths_PG.double()) / buffer_tokens).clamp(-1.0, 0.0)


def _has_spread(rewards_PG: Tensor, member_PG: Tensor) -> Tensor:
    """Whether two members of the group differ: exact, where a mean of equal numbers may be off by rounding."""
    highest_P1 = rewards_PG.masked_fill(~member_PG, -torch.inf).amax(dim=1, keepdim=True)
    lowest_P1 = rewards_PG.masked_fill(~member_PG, torch.inf).amin(dim=1, keepdim=True)
    return highest_P1 > lowest_P1
