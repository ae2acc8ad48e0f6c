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
from or1_trainer.rewards.scoring import Pending, Terms
from or1_trainer.train.job import Job
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.verify import Truth, verdicts_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """A completion with its verdict, and with the values of the recipe's rewards."""

    completion: Completion
    verdict: Verdict
    terms: Sequence[float | None] = ()
    """None where a reward failed, NaN where it does not count for the problem."""
    teacher_logprobs: NDArray[np.float32] | None = None
    """Log-probs of the response's tokens by the teacher, where there is one."""


ABORTED = Verdict(status=Status.VERIFIER_ERROR, detail="the response was aborted")
"""On a response that engine or environment gave up: no failure of ours is a reward of zero."""

Judging = tuple[Group, Pending]
"""A group with the rewards that are being worked on; its verdicts are too, where a reward looks at them."""


def truth_of(problem: Problem) -> Truth:
    """What a problem's responses are judged by. Raises `TrainingError` naming a problem that cannot be graded."""
    if (of_task := gym_truth(problem)) is not None:
        return of_task
    try:
        return parse_ground_truth(problem.ground_truth, row=problem.id)
    except GroundTruthError as error:
        raise TrainingError(f"{error}; `or1-data validate` lists every such row of a problem file") from error


def begin_judging(
    job: Job, problem: Problem, truth: Truth | None, completions: Sequence[Completion], *, step: int, limit: int
) -> Judging:
    """Begin to verify and to score a complete group; `limit`: the longest response to the problem."""
    pending = None if truth is None else job.verifier.submit(completions, truth, problem.ground_truth)
    group = Group(
        problem=problem,
        prompt=job.prompts.text(problem) if job.scoring.names else "",
        completions=completions,
        verdicts=lambda: verdicts_of(pending or ()),
        step=step,
        context_tokens=limit,
    )
    return group, job.scoring.submit(group)


def judged(job: Job, begun: Mapping[int, Judging], times: StepTimes) -> dict[int, list[Response]]:
    """Wait for the verdicts and the rewards that are still missing."""
    with times.phase("verify"):
        verdicts = [group.verdicts() for group, _ in begun.values()]
    terms = job.scoring.collect(list(begun.values()), times.phase) or [()] * len(begun)
    return {
        index: _responses(group.completions, of_group, rows)
        for (index, (group, _)), of_group, rows in zip(begun.items(), verdicts, terms, strict=True)
    }


def _responses(completions: Sequence[Completion], verdicts: Sequence[Verdict], terms: Terms) -> list[Response]:
    """No `verdicts` where none was asked for, no `terms` where the verdict is the reward."""
    rows = terms or [()] * len(completions)
    known = verdicts or [verdict_of_terms(c, row) for c, row in zip(completions, rows, strict=True)]
    return [
        Response(completion=completion, verdict=ABORTED, terms=[None] * len(row))
        if completion.finish_reason is FinishReason.ABORT
        else Response(completion=completion, verdict=verdict, terms=row)
        for completion, verdict, row in zip(completions, known, rows, strict=True)
    ]


def verdict_of_terms(completion: Completion, terms: Sequence[float | None]) -> Verdict:
    """The verdict on a response that no verifier is asked about: right if its first reward is at least 1."""
    if completion.finish_reason is FinishReason.LENGTH:
        return Verdict(status=Status.TRUNCATED)
    first = next((value for value in terms if value is None or not math.isnan(value)), None)
    if first is None:
        return Verdict(status=Status.VERIFIER_ERROR, detail="the first reward failed")
    return Verdict(status=Status.CORRECT if first >= 1 else Status.WRONG)
