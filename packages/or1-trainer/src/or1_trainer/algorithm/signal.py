"""The signal to expect of a problem: p (1 - p) of its solve rate p, known from attempts.

A group with right and wrong responses has an advantage, one that is all right or all wrong has none; p (1 - p) is the
variance of a 0 or 1 reward. Axis: P problems.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HIGHEST = 0.25
"""p (1 - p) at p = 1/2."""


def expected_signal(right_P: Floats, wrong_P: Floats) -> Floats:
    """E[p (1 - p)] for p ~ Beta(right, wrong), both above 0: a b / ((a + b) (a + b + 1))."""
    total_P = right_P + wrong_P
    signal: Floats = right_P * wrong_P / (total_P * (total_P + 1))
    return signal


def weighted_order(weights_P: Floats, key: tuple[int, int]) -> NDArray[np.int64]:
    """All indices, drawn one after the other without replacement, each with a chance in proportion to its weight.

    The Gumbel trick: sort log w + Gumbel noise. A pure function of weights and `key`; weights are above 0.
    """
    noise_P = np.random.Generator(np.random.Philox(key=list(key))).gumbel(size=len(weights_P))
    order: NDArray[np.int64] = np.argsort(-(np.log(weights_P) + noise_P), kind="stable")
    return order
