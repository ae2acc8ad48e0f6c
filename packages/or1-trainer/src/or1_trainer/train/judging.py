"""What a group's responses earn: verdicts and rewards, begun when the group is complete, while the engine goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from or1_data.schema import Problem
from or1_reward import GroundTruthError, parse_ground_truth
from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.errors import TrainingError
from or1_trainer.rewards.group import Group
from or1_trainer.rewards.gym import gym_truth
from or1_trainer.rewards.scoring import Pending as PendingTerms
from or1_trainer.train.job import Job
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.verify import Pending, Truth, verdicts_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """A completion with its verdict, and with the values of the recipe's rewards."""

    completion: Completion
    verdict: Verdict
    terms: Sequence[float | None] = ()
    """None where a reward failed, NaN where it does not count for the problem."""
    teacher_logprobs: NDArray[np.float32] | None = None
    """Log-probs of the response's tokens by the teacher, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judging:
    """A group whose verdicts and rewards are being worked on."""

    group: Group
    verdicts: Pending | None
    """None where no reward looks at them."""
    terms: PendingTerms


def truths_of(job: Job, problems: Mapping[int, Problem]) -> dict[int, Truth | None]:
    """What the responses to each problem are judged by; None where no reward wants a verdict."""
    return {
        index: truth_of(problem) if job.scoring.wants_verdict(problem) else None for index, problem in problems.items()
    }


def truth_of(problem: Problem) -> Truth:
    """What a problem's responses are judged by. Raises `TrainingError` naming a problem that cannot be graded."""
    if (of_task := gym_truth(problem)) is not None:
        return of_task
    try:
        return parse_ground_truth(problem.ground_truth, row=problem.id)
    except GroundTruthError as error:
        raise TrainingError(f"{error}; `or1-data validate` lists every such row of a problem file") from error


def begin_judging(
    job: Job,
    problem: Problem,
    truth: Truth | None,
    completions: Sequence[Completion],
    *,
    step: int,
    context_tokens: int,
) -> Judging:
    """Begin to verify and to score a complete group."""
    pending = None if truth is None else job.verifier.submit(completions, truth, problem.ground_truth)
    group = Group(
        problem=problem,
        prompt=job.prompts.text(problem) if job.scoring.names else "",
        completions=completions,
        verdicts=lambda: verdicts_of(pending or ()),
        step=step,
        context_tokens=context_tokens,
    )
    return Judging(group=group, verdicts=pending, terms=job.scoring.submit(group))


def judged(job: Job, begun: Mapping[int, Judging], times: StepTimes) -> dict[int, list[Response]]:
    """Wait for the verdicts and the rewards that are still missing."""
    with times.phase("verify"):
        verdicts = [None if one.verdicts is None else verdicts_of(one.verdicts) for one in begun.values()]
    terms = job.scoring.collect([(one.group, one.terms) for one in begun.values()], times.phase)
    return {
        index: _responses(one.group.completions, verdicts[at], terms[at] if terms else None)
        for at, (index, one) in enumerate(begun.items())
    }


def _responses(
    completions: Sequence[Completion],
    verdicts: Sequence[Verdict] | None,
    terms: Sequence[Sequence[float | None]] | None,
) -> list[Response]:
    rows = terms or [()] * len(completions)
    known = verdicts or [verdict_of_terms(c, row) for c, row in zip(completions, rows, strict=True)]
    return [
        aborted(completion, len(row))
        if completion.finish_reason is FinishReason.ABORT
        else Response(completion=completion, verdict=verdict, terms=row)
        for completion, verdict, row in zip(completions, known, rows, strict=True)
    ]


def aborted(completion: Completion, num_terms: int) -> Response:
    """A response that engine or environment gave up: no failure of ours is a reward of zero."""
    verdict = Verdict(status=Status.VERIFIER_ERROR, detail="the response was aborted")
    return Response(completion=completion, verdict=verdict, terms=[None] * num_terms)


def verdict_of_terms(completion: Completion, terms: Sequence[float | None]) -> Verdict:
    """The verdict on a response that no verifier is asked about: right if its first reward is at least 1."""
    if completion.finish_reason is FinishReason.LENGTH:
        return Verdict(status=Status.TRUNCATED)
    first = next((value for value in terms if value is None or not math.isnan(value)), None)
    if first is None:
        return Verdict(status=Status.VERIFIER_ERROR, detail="the first reward failed")
    return Verdict(status=Status.CORRECT if first >= 1 else Status.WRONG)
