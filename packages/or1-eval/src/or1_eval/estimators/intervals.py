"""Intervals for a mean over problems, and the two standard errors of an avg@k.

Axes: N problems, B bootstrap resamples.

Two questions, two errors. *This benchmark again*: only the k samples per problem are random.
*Problems like these*: the problems are a sample too, the larger error by far: 8 points on AIME's thirty, against 1.
The interval answers the second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from or1_eval.errors import EstimateError
from or1_eval.estimators.student import normal_cdf, student_quantile

NUM_RESAMPLES = 10_000
_CHUNK_VALUES = 4_000_000  # resampled values held at once: 32 MB


class Interval(NamedTuple):
    """Two-sided limits."""

    low: float
    high: float


def bootstrap_means(values_N: Sequence[float], *, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> np.ndarray:
    """[B] means of N values drawn with replacement; the same seed gives the same numbers."""
    values = np.asarray(values_N, dtype=np.float64)
    generator = np.random.default_rng(seed)
    means = np.empty(num_resamples)
    step = max(1, _CHUNK_VALUES // len(values))
    for start in range(0, num_resamples, step):
        rows = min(step, num_resamples - start)
        means[start : start + rows] = values[generator.integers(0, len(values), (rows, len(values)))].mean(axis=1)
    return means


def expanded_percentiles(means_B: np.ndarray, num_values: int, confidence: float) -> Interval:
    """Percentiles of the bootstrap means, widened to what Student's t asks for N values.

    Plain percentiles are too narrow by sqrt((N-1)/N) and by z against t: 93% instead of 95% at N = 30. The level
    that makes up for both is Phi(-sqrt(N/(N-1)) t) (Hesterberg 2015, "expanded percentile interval").
    """
    t = student_quantile((1 + confidence) / 2, num_values - 1)
    tail = normal_cdf(-math.sqrt(num_values / (num_values - 1)) * t)
    low, high = np.quantile(means_B, [tail, 1 - tail])
    return Interval(float(low), float(high))


def score_interval(values_N: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Wilson's interval for the mean of values in [0, 1], with as many trials as their variance is worth.

    For N values of 0 or 1 this is Wilson's interval with t for z; values between have less variance than a coin, so
    they count as mean (1 - mean) / var(mean) trials, at least N. Never empty: none of 30 solved gives [0, 0.12].
    """
    values = np.asarray(values_N, dtype=np.float64)
    count, mean = len(values), float(values.mean())
    z2 = student_quantile((1 + confidence) / 2, max(count - 1, 1)) ** 2
    variance = float(values.var(ddof=1)) / count if count > 1 else 0.0
    trials = max(count, mean * (1 - mean) / variance) if variance > 0 else count
    center = (mean + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (mean * (1 - mean) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    return Interval(max(0.0, min(center - half, mean)), min(1.0, max(center + half, mean)))


def mean_interval(
    values_N: Sequence[float], *, confidence: float = 0.95, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> Interval:
    """Interval for the mean of per-problem values in [0, 1] over problems like these: problem-level bootstrap.

    The expanded percentile interval, never narrower than the score interval: near 0 and 1 a bootstrap of few
    problems has not seen the rare ones and is too sure (all zero would give [0, 0]). Values of only 0 and 1 (k = 1)
    get the score interval itself. Coverage by simulation: `benchmarks/eval_coverage.py`.

    Raises:
        EstimateError: no values, or values outside [0, 1].
    """
    if not len(values_N) or min(values_N) < 0 or max(values_N) > 1:
        raise EstimateError(f"an interval needs per-problem values between 0 and 1, got {len(values_N)} values")
    score = score_interval(values_N, confidence=confidence)
    if set(values_N) <= {0.0, 1.0}:
        return score
    if min(values_N) == max(values_N):
        return score
    means = bootstrap_means(values_N, num_resamples=num_resamples, seed=seed)
    boot = expanded_percentiles(means, len(values_N), confidence)
    return Interval(min(boot.low, score.low), max(boot.high, score.high))


def sampling_error(variances_N: Sequence[float], counts_N: Sequence[int]) -> float:
    """Standard error of avg@k on these very problems: sqrt(sum_i s_i^2 / k_i) / N.

    `variances_N` are the unbiased one-sample variances, `counts_N` the graded samples. NaN where a problem has only
    one sample: nothing then says how much it would change.
    """
    if not len(variances_N):
        raise EstimateError("a standard error needs at least one problem")
    return math.sqrt(sum(v / k for v, k in zip(variances_N, counts_N, strict=True))) / len(variances_N)


def population_error(values_N: Sequence[float]) -> float:
    """Standard error of avg@k over problems like these: sd(p_i) / sqrt(N); NaN for one problem."""
    if len(values_N) < 2:
        return math.nan
    return float(np.std(np.asarray(values_N, dtype=np.float64), ddof=1)) / math.sqrt(len(values_N))
