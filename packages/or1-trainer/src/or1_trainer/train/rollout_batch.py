"""One step's rollout batch: draw problems, generate responses, verify them, compute advantages.

Every rank ends with rewards, lengths and advantages of all groups, and with the responses that it sampled itself.
Axes: P problems, G responses to each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from or1_data.schema import Problem
from or1_rollout.engine import Engine
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, SamplingParams
from or1_trainer.algorithm.groups import Groups, Outcomes, merge_outcomes, outcomes_of, with_advantages
from or1_trainer.config.schema import StageSettings
from or1_trainer.train.dataset import draw_round
from or1_trainer.train.job import Job
from or1_trainer.train.judging import Judging, Response, begin_judging, judged, truth_of
from or1_trainer.train.sampler import observed
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Everything that decides a batch's samples, except the weights."""

    problems: Sequence[Problem]
    prompts: Sequence[Sequence[int]]
    seeds_PG: Sequence[Sequence[int]]
    params: SamplingParams
    limits_P: Sequence[int]
    """The longest response to each problem."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RolloutBatch:
    """The groups of one or several rounds of drawing, in the order of drawing."""

    problems: Sequence[Problem]
    prompts: Sequence[Sequence[int]]
    owners: Sequence[int]
    """The rank that holds the responses to each problem."""
    groups: Groups
    own: Mapping[int, Sequence[Response]]
    """Problem -> its responses, for the problems that this rank holds."""
    has_teacher: bool = False
    """Whether the responses have a teacher's log-probs."""

    @property
    def has_observations(self) -> bool:
        """Whether a response of any rank has tokens that the policy did not sample."""
        outcomes = self.groups.outcomes
        return bool((outcomes.totals_PG != outcomes.lengths_PG).any())

    def __add__(self, other: RolloutBatch) -> RolloutBatch:
        """The problems of both, in this order."""
        return RolloutBatch(
            problems=[*self.problems, *other.problems],
            prompts=[*self.prompts, *other.prompts],
            owners=[*self.owners, *other.owners],
            groups=self.groups + other.groups,
            has_teacher=self.has_teacher,
            own={**self.own, **{len(self.problems) + index: group for index, group in other.own.items()}},
        )


def rollout_round(
    job: Job, stage: StageSettings, step: int, number: int, state: RunState, times: StepTimes
) -> tuple[RolloutBatch, RunState]:
    """Draw, generate, verify and compute advantages for round `number` of `step`; its groups, and the state after it.

    Rounds after the first refill the batch (`training_batch.py`). Collective: every rank calls it.
    """
    with times.phase("draw"):
        drawn, state = draw_problems(job, stage, step, number, state)
    begun = generate(job, drawn, state.step, times)
    own = judged(job, begun, times)
    if job.teacher is not None:
        with times.phase("teacher"):
            own = scored_by_teacher(job.teacher, drawn.prompts, own)
    with times.phase("verify"):
        outcomes = share_outcomes(job, own, drawn)
    names = [problem.id for problem in drawn.problems]
    loss, normalization = job.config.loss, job.config.reward.normalization
    groups = with_advantages(names, outcomes, loss, limits_P=drawn.limits_P, normalization=normalization)
    if job.config.data.sampler.kind in ("drop_solved", "adaptive"):
        state = replace(state, seen=observed(state.seen, groups, job.config.data.sampler))
    return RolloutBatch(
        problems=drawn.problems,
        prompts=drawn.prompts,
        owners=[job.fleet.owner(index) for index in range(len(names))],
        groups=groups,
        own=own,
        has_teacher=job.teacher is not None,
    ), state


def draw_problems(job: Job, stage: StageSettings, step: int, number: int, state: RunState) -> tuple[Drawn, RunState]:
    """Choose the next problems and a seed per sample, and the state after it; no seed comes twice in a run."""
    first = number * stage.prompts
    problems, state = draw_round(job.config, job.dataset, state, stage.prompts, step=step, number=number)
    drawn = Drawn(
        problems=problems,
        prompts=job.prompts.all_ids(problems),
        seeds_PG=[
            [sample_seed(job.config.seed, step, first + position, sample) for sample in range(stage.group)]
            for position in range(len(problems))
        ],
        params=SamplingParams(
            n=stage.group,
            max_new_tokens=stage.context_tokens,
            temperature=job.config.rollout.temperature,
            top_p=job.config.rollout.top_p,
        ),
        limits_P=[job.dataset.limit_of(problem.id, stage.context_tokens) for problem in problems],
    )
    return drawn, state


def generate(job: Job, drawn: Drawn, step: int, times: StepTimes) -> dict[int, Judging]:
    """Sample this rank's groups; return them by index of the problem.

    Each is verified and scored from its end on, while the engine samples the others.
    """
    own = job.fleet.own(len(drawn.problems))
    wanted = (index for index in own if job.scoring.wants_verdict(drawn.problems[index]))
    truths = {index: truth_of(drawn.problems[index]) for index in wanted}
    begun: dict[int, Judging] = {}
    total, max_tokens = len(own) * drawn.params.n, drawn.params.max_new_tokens
    with times.phase("rollout", total=total, max_tokens=max_tokens) as progress:

        def on_group(index: int, completions: Sequence[Completion]) -> None:
            problem, limit = drawn.problems[index], drawn.limits_P[index]
            begun[index] = begin_judging(job, problem, truths.get(index), completions, step=step, limit=limit)

        job.fleet.sample(
            drawn.prompts,
            drawn.params,
            seeds=drawn.seeds_PG,
            limits=drawn.limits_P if job.dataset.has_limits else None,
            on_group=on_group,
            on_sample=lambda prompt, sample, completion: progress.advance(1, tokens=completion.num_sampled),
        )
        job.fleet.exchange.wait()  # for the slowest engine: the next phase shows what verification alone costs
    return {index: begun[index] for index in own}


def scored_by_teacher(
    teacher: Engine, prompts: Sequence[Sequence[int]], own: Mapping[int, Sequence[Response]]
) -> dict[int, list[Response]]:
    """The responses with the teacher's log-probs of their tokens."""

    def scored(prompt: Sequence[int], response: Response) -> Response:
        logprobs = teacher.logprobs(prompt, response.completion.token_ids.tolist())
        return dataclasses.replace(response, teacher_logprobs=np.array(logprobs, np.float32))

    return {index: [scored(prompts[index], response) for response in group] for index, group in own.items()}


def share_outcomes(job: Job, own: Mapping[int, Sequence[Response]], drawn: Drawn) -> Outcomes:
    """Gather rewards, lengths and statuses of all groups from the ranks that sampled them. Collective."""
    names = job.scoring.names
    terms = [[response.terms for response in group] for group in own.values()]  # of None numpy makes NaN
    weights = [job.scoring.weights(drawn.problems[index]) for index in own]
    mine = outcomes_of(
        [[response.completion for response in responses] for responses in own.values()],
        [[response.verdict for response in responses] for responses in own.values()],
        drawn.params.n,
        terms=(
            np.array(terms, np.float64).reshape(len(own), drawn.params.n, len(names)),
            np.array(weights, np.float64).reshape(len(own), len(names)),
        )
        if names
        else None,
    )
    parts = job.fleet.exchange.gather(mine)
    return merge_outcomes(parts, [job.fleet.own(len(drawn.problems), rank) for rank in range(len(parts))])
