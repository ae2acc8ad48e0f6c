"""Is B better than A? Two runs on the same problems, compared problem by problem.

Axes: N problems that both runs have; a_N and b_N are the per-problem accuracies.

Pairing removes the difference between easy and hard problems, which is most of the noise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from or1_eval.errors import EstimateError
from or1_eval.estimators.intervals import NUM_RESAMPLES, Interval, bootstrap_means, expanded_percentiles
from or1_eval.estimators.student import normal_cdf, normal_quantile

EXACT_UP_TO = 14
"""So many problems that differ are enumerated sign by sign (2^14); more are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """B minus A on the problems that both have.

    `difference` is mean(b) - mean(a). `interval` and `p_value` are over problems like these (problem-level bootstrap,
    sign-flip test); `same_benchmark_interval` and `same_benchmark_p_value` hold the problems fixed and ask only
    whether other samples would say the same (NaN with one sample per problem).
    """

    num_problems: int
    mean_a: float
    mean_b: float
    difference: float
    interval: Interval
    p_value: float
    same_benchmark_interval: Interval
    same_benchmark_p_value: float
    better: int
    worse: int


def compare_paired(
    a_N: Sequence[float],
    b_N: Sequence[float],
    *,
    sampling_errors: tuple[float, float] = (math.nan, math.nan),
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two runs given their accuracies on the same problems, in the same order.

    Args:
        a_N: the first run's accuracy per problem.
        b_N: the second run's.
        sampling_errors: `sampling_error` of each run, for the fixed-benchmark question.
        confidence: of both intervals.
        seed: of the resampling and of the sign flips.

    Raises:
        EstimateError: lengths differ or nothing to compare.
    """
    if len(a_N) != len(b_N) or not len(a_N):
        raise EstimateError(f"a paired comparison needs the same problems in both runs, got {len(a_N)} and {len(b_N)}")
    differences = [b - a for a, b in zip(a_N, b_N, strict=True)]
    difference = sum(differences) / len(differences)
    error = math.hypot(*sampling_errors)
    reach = normal_quantile((1 + confidence) / 2) * error
    return Comparison(
        num_problems=len(a_N),
        mean_a=sum(a_N) / len(a_N),
        mean_b=sum(b_N) / len(b_N),
        difference=difference,
        interval=difference_interval(differences, confidence=confidence, seed=seed),
        p_value=sign_flip_p_value(differences, seed=seed),
        same_benchmark_interval=Interval(difference - reach, difference + reach),
        same_benchmark_p_value=_two_sided(difference, error),
        better=sum(d > 0 for d in differences),
        worse=sum(d < 0 for d in differences),
    )


def difference_interval(differences_N: Sequence[float], *, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Interval for the mean difference over problems like these, by the expanded percentile bootstrap.

    Where every problem differs by the same amount there is nothing to resample: a share of 1 - (alpha/2)^(1/N) of
    all problems may still differ otherwise, by at most 1 (the exact binomial bound for none seen in N).
    """
    count, mean = len(differences_N), sum(differences_N) / len(differences_N)
    if max(differences_N) - min(differences_N) < 1e-12:
        unseen = 1 - ((1 - confidence) / 2) ** (1 / count)
        return Interval(max(-1.0, mean - unseen), min(1.0, mean + unseen))
    means = bootstrap_means(differences_N, num_resamples=NUM_RESAMPLES, seed=seed)
    return expanded_percentiles(means, count, confidence)


def sign_flip_p_value(differences_N: Sequence[float], *, num_flips: int = 100_000, seed: int = 0) -> float:
    """Two-sided p-value of "A and B are exchangeable on each problem": how often flipped signs give as much.

    Exact over all 2^M signs of the M problems that differ while M is at most 14, else `num_flips` draws, counting the
    observed one among them (Phipson & Smyth 2010), so never 0. Without any difference: 1.
    """
    moved = np.abs([d for d in differences_N if d != 0])
    if not len(moved):
        return 1.0
    observed = abs(sum(differences_N)) * (1 - 1e-12) - 1e-12  # equal sums in another order of adding must count
    if len(moved) <= EXACT_UP_TO:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(moved))))
        return float(np.mean(np.abs(signs @ moved) >= observed))
    generator = np.random.default_rng(seed)
    reached, step = 0, max(1, 2_000_000 // len(moved))
    for start in range(0, num_flips, step):
        signs = generator.integers(0, 2, (min(step, num_flips - start), len(moved))) * 2.0 - 1.0
        reached += int(np.sum(np.abs(signs @ moved) >= observed))
    return (reached + 1) / (num_flips + 1)


def _two_sided(difference: float, error: float) -> float:
    if math.isnan(error):
        return math.nan
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return 2 * (1 - normal_cdf(abs(difference) / error))
