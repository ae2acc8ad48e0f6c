"""What the samples of one problem say: its accuracy, pass@j, the vote, and how sure k samples are.

Axes: N problems, K samples of a problem. Rewards are 1 or 0; None stands for a sample without a verdict (the
verifier failed) and counts neither for nor against.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from or1_eval.errors import EstimateError


def accuracy(rewards_K: Sequence[float | None]) -> float | None:
    """Mean reward over the samples that have a verdict; None where none has. Its mean over problems is avg@k."""
    counted = [reward for reward in rewards_K if reward is not None]
    return sum(counted) / len(counted) if counted else None


def pass_at(j: int, num_samples: int, num_correct: int) -> float:
    """Chance that at least one of j samples, drawn without replacement from these, is right.

    1 - C(n-c, j) / C(n, j): the unbiased estimate of 1 - (1-p)^j (Chen et al. 2021, eq. 1).

    Raises:
        EstimateError: fewer than j samples; dividing by j all the same is how scores get deflated.
    """
    if not 0 <= num_correct <= num_samples:
        raise EstimateError(f"{num_correct} correct of {num_samples} samples is impossible")
    if not 1 <= j <= num_samples:
        raise EstimateError(f"pass@{j} needs at least {max(j, 1)} graded samples of a problem, there are {num_samples}")
    return 1.0 - math.comb(num_samples - num_correct, j) / math.comb(num_samples, j)


def majority(votes_K: Sequence[str | None], rewards_K: Sequence[float | None]) -> float:
    """Expected reward of the most frequent answer; ties are broken by a fair draw, so they count in part.

    All correct samples vote together however they write the answer (the verifier has called them equal to the gold);
    wrong ones vote by their extracted text. A sample without an answer (None) abstains; nobody voting scores 0.
    """
    ballots: Counter[tuple[bool, str]] = Counter()
    for vote, reward in zip(votes_K, rewards_K, strict=True):
        if vote is not None and reward is not None:
            ballots[(True, "") if reward > 0 else (False, " ".join(vote.split()))] += 1
    if not ballots:
        return 0.0
    most = max(ballots.values())
    leaders = [right for (right, _), count in ballots.items() if count == most]
    return sum(leaders) / len(leaders)


def sampling_variance(rewards_K: Sequence[float | None]) -> float:
    """Unbiased variance of one sample's reward at this problem: p (1-p) K / (K-1); NaN for fewer than two samples."""
    counted = [reward for reward in rewards_K if reward is not None]
    count = len(counted)
    if count < 2:
        return math.nan
    mean = sum(counted) / count
    return sum((reward - mean) ** 2 for reward in counted) / (count - 1)
