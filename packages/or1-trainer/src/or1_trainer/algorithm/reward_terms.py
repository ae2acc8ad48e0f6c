"""Several rewards: their weighted sum, their advantages, their metrics.

Axes: P problems, G responses per problem, R rewards.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from or1_trainer.algorithm.advantages import STD_EPSILON, AdvantageMask, group_advantages

Floats = NDArray[np.float64]


def weighted_sum(terms_PGR: Floats, weights_PR: Floats) -> Floats:
    """[P, G] sums; NaN where a reward failed that has a weight.

    A term is NaN where the reward failed, a weight where the reward does not count for the problem.
    """
    counts_P1R = (~np.isnan(weights_PR) & (weights_PR != 0))[:, None, :]
    summed: Floats = np.where(counts_P1R, terms_PGR * weights_PR[:, None, :], 0.0).sum(axis=2)
    return summed


def decoupled_advantages(
    terms_PGR: Floats,
    weights_PR: Floats,
    truncated_PG: Tensor,
    *,
    mask: AdvantageMask = "none",
    normalize_std: bool = True,
) -> Tensor:
    """GDPO (arXiv 2601.05242): the weighted sum of each reward's group advantages, over its deviation in the batch.

    The batch's mean is not subtracted: each reward's advantages add up to 0 within their group, so it is 0, and
    rounding would give groups without signal a tiny one. -> [P, G].
    """
    valid_PG = torch.from_numpy(~np.isnan(weighted_sum(terms_PGR, weights_PR)))
    total_PG = torch.zeros(terms_PGR.shape[:2], dtype=torch.float64)
    for term_PG, weights_P in zip(np.moveaxis(terms_PGR, 2, 0), np.nan_to_num(weights_PR).T, strict=True):
        advantages_PG = group_advantages(
            torch.from_numpy(np.nan_to_num(term_PG)), valid_PG, truncated_PG, mask=mask, normalize_std=normalize_std
        )
        total_PG = total_PG + advantages_PG * torch.from_numpy(weights_P)[:, None]
    if not normalize_std:
        return total_PG
    members = total_PG[valid_PG & ~truncated_PG if mask == "before" else valid_PG]
    return total_PG / (members.std() + STD_EPSILON) if len(members) > 1 else total_PG


def term_metrics(terms_PGR: Floats, weights_PR: Floats, names: Sequence[str]) -> dict[str, float]:
    """Of each reward, over the problems that it counts for: its mean, its part of the sum, its spread, its failures.

    The part is the mean times the weight, the spread the mean deviation within a group:
    without spread a reward teaches nothing. A reward that counts for no problem of the step has no metrics.
    """
    metrics: dict[str, float] = {}
    for index, name in enumerate(names):
        values_PG = terms_PGR[~np.isnan(weights_PR[:, index]), :, index]
        if values_PG.size:
            is_known_PG = ~np.isnan(values_PG)
            groups = [row[known] for row, known in zip(values_PG, is_known_PG, strict=True) if known.any()]
            mean = float(values_PG[is_known_PG].mean()) if groups else 0.0
            metrics[f"rewards/{name}.mean"] = mean
            metrics[f"rewards/{name}.part"] = mean * float(np.nanmax(weights_PR[:, index]))
            metrics[f"rewards/{name}.spread"] = float(np.mean([row.std() for row in groups])) if groups else 0.0
            metrics[f"rewards/{name}.failed"] = int((~is_known_PG).sum())
    return metrics
