"""Pass counts: attempts and successes per model, in the released set's words (failures) and ours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from or1_data.schema import Problem


class PassCount(NamedTuple):
    """`num_correct` of `num_attempts`; attempts that the verifier could not judge count as neither."""

    num_correct: int
    num_attempts: int

    @property
    def num_failures(self) -> int:
        """What `extra_info.model_difficulty` counts."""
        return self.num_attempts - self.num_correct

    @property
    def rate(self) -> float:
        """Share of successes; 0 without attempts."""
        return self.num_correct / self.num_attempts if self.num_attempts else 0.0


def merge(one: PassCount, other: PassCount) -> PassCount:
    """The counts of both rounds of attempts together."""
    return PassCount(one.num_correct + other.num_correct, one.num_attempts + other.num_attempts)


def wilson(count: PassCount, z: float = 1.959964) -> tuple[float, float]:
    """Wilson score interval of the success rate (95% by default); (0, 1) without attempts."""
    if not count.num_attempts:
        return 0.0, 1.0
    n, p = count.num_attempts, count.rate
    center, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (center - spread) / (1 + z * z / n)), min(1.0, (center + spread) / (1 + z * z / n))


def counts_of(problem: Problem) -> dict[str, PassCount]:
    """The counts that a row carries: `model_difficulty` (failures) and `model_attempts`.

    Models without a number of attempts are left out: a count of failures alone says nothing.
    """
    failures: Mapping[str, Any] = problem.extra_info.get("model_difficulty") or {}
    attempts: Mapping[str, Any] = problem.extra_info.get("model_attempts") or {}
    return {
        model: PassCount(int(attempts[model]) - int(failed), int(attempts[model]))
        for model, failed in failures.items()
        if attempts.get(model)
    }


def with_count(extra_info: Mapping[str, Any], model: str, count: PassCount) -> dict[str, Any]:
    """`extra_info` with a model's counts."""
    return {
        **extra_info,
        "model_difficulty": {**(extra_info.get("model_difficulty") or {}), model: count.num_failures},
        "model_attempts": {**(extra_info.get("model_attempts") or {}), model: count.num_attempts},
    }
