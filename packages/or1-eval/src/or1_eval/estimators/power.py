"""How many problems, and how many samples of each, it takes to see a difference between two models.

The variance of a paired difference of two avg@k over n problems is

    (heterogeneity^2 + 2 v / k) / n,        v = mean of p_i (1 - p_i)

`v` is what sampling adds, `heterogeneity` the standard deviation over problems of the true gain: more samples cannot
reduce it. With heterogeneity 0 the problems are held fixed: "on this very benchmark".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from or1_eval.errors import EstimateError
from or1_eval.estimators.student import normal_quantile


def needed_problems(
    difference: float,
    k: int,
    sampling_variance: float,
    *,
    heterogeneity: float = 0.0,
    confidence: float = 0.95,
    power: float = 0.8,
) -> int:
    """Problems needed so that a true difference is found significant with this power, at k samples each.

    Raises:
        EstimateError: the difference is 0.
    """
    per_problem = heterogeneity**2 + 2 * sampling_variance / k
    return max(1, math.ceil(per_problem * (_reach(confidence, power) / _positive(difference)) ** 2 - 1e-9))


def needed_k(
    difference: float,
    num_problems: int,
    sampling_variance: float,
    *,
    heterogeneity: float = 0.0,
    confidence: float = 0.95,
    power: float = 0.8,
) -> int | None:
    """Samples per problem needed for the same; None where no k is enough because the problems are too few."""
    allowed = num_problems * (_positive(difference) / _reach(confidence, power)) ** 2 - heterogeneity**2
    if allowed <= 0:
        return None
    return max(1, math.ceil(2 * sampling_variance / allowed - 1e-9))


def detectable_difference(
    num_problems: int,
    k: int,
    sampling_variance: float,
    *,
    heterogeneity: float = 0.0,
    confidence: float = 0.95,
    power: float = 0.8,
) -> float:
    """The smallest true difference that n problems with k samples each show with this power."""
    return _reach(confidence, power) * math.sqrt((heterogeneity**2 + 2 * sampling_variance / k) / num_problems)


def heterogeneity(
    a_N: Sequence[float], b_N: Sequence[float], variances_a: Sequence[float], variances_b: Sequence[float], k: int
) -> float:
    """Standard deviation over problems of the true gain, from two runs with k samples each.

    The variance of the observed differences less what the samples alone explain; 0 where they explain all of it.
    """
    observed = variance([b - a for a, b in zip(a_N, b_N, strict=True)])
    explained = (fmean(variances_a) + fmean(variances_b)) / k
    return math.sqrt(max(0.0, observed - explained))


def _reach(confidence: float, power: float) -> float:
    return normal_quantile((1 + confidence) / 2) + normal_quantile(power)


def _positive(difference: float) -> float:
    if not difference:
        raise EstimateError("no number of samples shows a difference of 0; say which difference matters")
    return abs(difference)
