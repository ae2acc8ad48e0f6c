"""The result of one task: every number with what it rests on (n, k, missing, truncated, verifier errors).

Axes: N problems, K samples per problem.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from or1_eval.estimators import (
    Interval,
    accuracy,
    majority,
    mean_interval,
    pass_at,
    population_error,
    sampling_error,
    sampling_variance,
)
from or1_eval.samples import Sample
from or1_eval.types import Task
from or1_reward.types import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemResult:
    """One problem: `accuracy` is over the graded samples (NaN without any), `num_tokens` the length of each sample."""

    id: str
    rewards: tuple[float | None, ...]
    accuracy: float
    majority: float
    variance: float
    num_truncated: int
    num_tokens: tuple[int, ...]

    @property
    def num_graded(self) -> int:
        """Samples with a verdict."""
        return sum(reward is not None for reward in self.rewards)

    @property
    def num_correct(self) -> int:
        """Samples with reward 1."""
        return sum(reward == 1.0 for reward in self.rewards)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over problems with its 95% interval (problem-level bootstrap)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a task came to.

    `avg` is avg@k with `low` and `high`; `sampling_error` is its standard error on these very problems and
    `population_error` over problems like these. Rates are shares of all samples. `num_missing` samples were asked
    for and are not there: the run is then not complete. `mean_tokens` is NaN where nobody counted.
    """

    task: str
    k: int
    num_problems: int
    num_samples: int
    num_missing: int
    avg: float
    low: float
    high: float
    sampling_error: float
    population_error: float
    pass_at: Mapping[int, Estimate]
    majority: Estimate | None
    truncated_rate: float
    no_answer_rate: float
    num_verifier_errors: int
    mean_tokens: float
    statuses: Mapping[str, int]
    problems: tuple[ProblemResult, ...]
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every sample is there and has a verdict."""
        return self.num_missing == 0 and self.num_verifier_errors == 0

    @property
    def label(self) -> str:
        """`avg@8`, or `avg@2` and `avg@2-5` where fewer samples than asked for are graded."""
        counts = [problem.num_graded for problem in self.problems if problem.num_graded]
        fewest, most = min(counts, default=0), min(self.k, max(counts, default=0))
        return f"avg@{fewest}" if fewest == most else f"avg@{fewest}-{most}"

    def __str__(self) -> str:
        """One line: avg@k with its interval and what a reader must know beside it."""
        line = f"{self.task}: {self.label} {100 * self.avg:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"
        line += f" over {self.num_problems} problems, {100 * self.truncated_rate:.1f}% truncated"
        line += f", {self.num_missing} samples missing" if self.num_missing else ""
        return line + (f", {self.num_verifier_errors} verifier errors" if self.num_verifier_errors else "")


def build_report(
    task: Task,
    samples: Iterable[Sample],
    k: int,
    *,
    fingerprint: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> Report:
    """Estimate everything from the samples, whose order does not matter."""
    by_problem: dict[str, list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.index):
        by_problem[sample.problem_id].append(sample)
    results = tuple(_problem_result(problem.id, by_problem[problem.id], votes=task.votes) for problem in task.problems)
    everything = [sample for group in by_problem.values() for sample in group]
    statuses = Counter(sample.verdict.status for sample in everything if sample.verdict is not None)
    lengths = [sample.num_tokens for sample in everything if sample.num_tokens >= 0]
    graded = [result for result in results if result.num_graded]
    avg = _estimate([result.accuracy for result in graded])
    return Report(
        task=task.name,
        k=k,
        num_problems=len(results),
        num_samples=len(everything),
        num_missing=k * len(results) - sum(sample.verdict is not None for sample in everything),
        avg=avg.value,
        low=avg.low,
        high=avg.high,
        sampling_error=_sampling_error(graded),
        population_error=population_error([result.accuracy for result in graded]),
        pass_at={j: _pass_at(j, graded) for j in powers_of_two(min((r.num_graded for r in graded), default=0))},
        majority=_estimate([result.majority for result in graded]) if task.votes and k > 1 else None,
        truncated_rate=_share(sum(sample.truncated for sample in everything), len(everything)),
        no_answer_rate=_share(statuses[Status.NO_ANSWER], len(everything)),
        num_verifier_errors=statuses[Status.VERIFIER_ERROR],
        mean_tokens=fmean(lengths) if lengths else math.nan,
        statuses={status.value: count for status, count in sorted(statuses.items())},
        problems=results,
        fingerprint=dict(fingerprint or {}),
        warnings=tuple(warnings),
    )


def powers_of_two(limit: int) -> list[int]:
    """1, 2, 4, ... and the limit itself."""
    return sorted({2**i for i in range(limit.bit_length())} | {limit}) if limit else []


def _problem_result(problem_id: str, samples: Sequence[Sample], *, votes: bool) -> ProblemResult:
    rewards = tuple(sample.reward for sample in samples)
    answers = [sample.verdict.extracted if sample.verdict is not None else None for sample in samples]
    mean = accuracy(rewards)
    return ProblemResult(
        id=problem_id,
        rewards=rewards,
        accuracy=math.nan if mean is None else mean,
        majority=majority(answers, rewards) if votes else math.nan,
        variance=sampling_variance(rewards),
        num_truncated=sum(sample.truncated for sample in samples),
        num_tokens=tuple(sample.num_tokens for sample in samples),
    )


def _estimate(values_N: Sequence[float]) -> Estimate:
    if not values_N:
        return Estimate(value=math.nan, low=math.nan, high=math.nan)
    interval: Interval = mean_interval(values_N)
    return Estimate(value=fmean(values_N), low=interval.low, high=interval.high)


def _pass_at(j: int, graded: Sequence[ProblemResult]) -> Estimate:
    return _estimate([pass_at(j, result.num_graded, result.num_correct) for result in graded])


def _sampling_error(graded: Sequence[ProblemResult]) -> float:
    if not graded:
        return math.nan
    return sampling_error([result.variance for result in graded], [result.num_graded for result in graded])


def _share(count: int, total: int) -> float:
    return count / total if total else math.nan
