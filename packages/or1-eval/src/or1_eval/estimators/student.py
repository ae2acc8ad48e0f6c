"""Quantiles of the normal and of Student's t distribution, with neither scipy nor tables."""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist


def normal_quantile(probability: float) -> float:
    """Z such that a standard normal is below z with this probability."""
    return NormalDist().inv_cdf(probability)


def normal_cdf(z: float) -> float:
    """Probability that a standard normal is below z."""
    return NormalDist().cdf(z)


def student_cdf(t: float, degrees: int) -> float:
    """Probability that Student's t with integer degrees of freedom is below t.

    The finite trigonometric sums of Abramowitz & Stegun 26.7.3 (odd) and 26.7.4 (even).
    """
    theta = math.atan(t / math.sqrt(degrees))
    cos, sin = math.cos(theta), math.sin(theta)
    odd = degrees % 2 == 1
    term, total = (cos, cos) if odd else (1.0, 1.0)
    for index in range(3 if odd else 2, degrees - 1, 2):
        term *= cos * cos * (index - 1) / index
        total += term
    within = (2 / math.pi) * (theta + sin * total * (degrees > 1)) if odd else sin * total
    return 0.5 * (1.0 + within)


@cache
def student_quantile(probability: float, degrees: int) -> float:
    """T such that Student's t is below it with this probability, to 1e-10; the normal's from 1,000 degrees on."""
    if degrees >= 1000:
        z = normal_quantile(probability)
        return z + (z**3 + z) / (4 * degrees)  # the first term of the expansion in 1/degrees
    low, high = -1e6, 1e6
    while high - low > 1e-11 * max(1.0, abs(low)):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if student_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2
