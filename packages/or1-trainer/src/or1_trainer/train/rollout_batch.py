"""One step's rollout batch: draw problems, generate responses, verify them, compute advantages.

Every rank ends with the numbers of all groups, and with the responses that it sampled itself.
Axes: P problems, G responses to each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from or1_data.schema import Problem
from or1_reward import GroundTruth, GroundTruthError, parse_ground_truth
from or1_reward.types import Verdict
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, SamplingParams
from or1_trainer.algorithm.groups import Groups, Outcomes, merge_outcomes, outcomes_of, with_advantages
from or1_trainer.config.schema import StageSettings
from or1_trainer.errors import TrainingError
from or1_trainer.train.job import Job
from or1_trainer.train.sampler import Cursor, draw
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.verify import Pending, verdicts_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Everything that decides a batch's samples, except the weights."""

    problems: Sequence[Problem]
    prompts: Sequence[Sequence[int]]
    seeds_PG: Sequence[Sequence[int]]
    params: SamplingParams


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """A completion with its verdict."""

    completion: Completion
    verdict: Verdict


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

    def __add__(self, other: RolloutBatch) -> RolloutBatch:
        """The problems of both, in this order."""
        return RolloutBatch(
            problems=[*self.problems, *other.problems],
            prompts=[*self.prompts, *other.prompts],
            owners=[*self.owners, *other.owners],
            groups=self.groups + other.groups,
            own={**self.own, **{len(self.problems) + index: group for index, group in other.own.items()}},
        )


def rollout_round(
    job: Job, stage: StageSettings, step: int, number: int, state: RunState, times: StepTimes
) -> tuple[RolloutBatch, RunState]:
    """Draw, generate, verify, advantages: round `number` of `step`, and the state with the cursor behind it.

    Rounds after the first refill the batch (`train/refill.py`). Collective.
    """
    with times.phase("draw"):
        drawn, state = draw_problems(job, stage, step, number, state)
    completions, pending = generate(job, drawn, times)
    with times.phase("verify"):
        own = verify(completions, pending)
        outcomes = share_outcomes(job, own, len(drawn.problems), drawn.params.n)
    names = [problem.id for problem in drawn.problems]
    groups = with_advantages(names, outcomes, job.config.loss, context_tokens=stage.context_tokens)
    owners = [job.fleet.owner(index) for index in range(len(names))]
    return RolloutBatch(problems=drawn.problems, prompts=drawn.prompts, owners=owners, groups=groups, own=own), state


def draw_problems(job: Job, stage: StageSettings, step: int, number: int, state: RunState) -> tuple[Drawn, RunState]:
    """The next problems with a seed per sample; no seed comes twice in a run."""
    first = number * stage.prompts
    cursor = Cursor(epoch=state.epoch, taken=state.taken)
    problems, cursor = draw(job.remaining.after(state.dropped), stage.prompts, cursor, job.config.seed)
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
    )
    return drawn, replace(state, epoch=cursor.epoch, taken=cursor.taken)


def generate(
    job: Job, drawn: Drawn, times: StepTimes
) -> tuple[Mapping[int, Sequence[Completion]], Mapping[int, Pending]]:
    """This rank's groups by problem, and their verdicts, which are worked on while the engine goes on."""
    own = job.fleet.own(len(drawn.problems))
    truths = {index: truth_of(drawn.problems[index]) for index in own}
    pending: dict[int, Pending] = {}
    total, max_tokens = len(own) * drawn.params.n, drawn.params.max_new_tokens
    with times.phase("rollout", total=total, max_tokens=max_tokens) as progress:

        def on_group(index: int, completions: Sequence[Completion]) -> None:
            pending[index] = job.verifier.submit(completions, truths[index], drawn.problems[index].ground_truth)

        groups = job.fleet.sample(
            drawn.prompts,
            drawn.params,
            seeds=drawn.seeds_PG,
            on_group=on_group,
            on_sample=lambda prompt, sample, completion: progress.advance(1, tokens=len(completion.token_ids)),
        )
        job.fleet.exchange.wait()  # for the slowest engine: the next phase shows what verification alone costs
    return dict(zip(own, groups, strict=True)), pending


def truth_of(problem: Problem) -> GroundTruth:
    """What a problem's responses are judged by. Raises `TrainingError` naming a problem that cannot be graded."""
    try:
        return parse_ground_truth(problem.ground_truth, row=problem.id)
    except GroundTruthError as error:
        raise TrainingError(f"{error}; `or1-data validate` lists every such row of a problem file") from error


def verify(
    completions: Mapping[int, Sequence[Completion]], pending: Mapping[int, Pending]
) -> dict[int, list[Response]]:
    """Wait for the verdicts that are still missing."""
    return {
        index: [
            Response(completion=completion, verdict=verdict)
            for completion, verdict in zip(group, verdicts_of(pending[index]), strict=True)
        ]
        for index, group in completions.items()
    }


def share_outcomes(job: Job, own: Mapping[int, Sequence[Response]], num_problems: int, group: int) -> Outcomes:
    """Rewards, lengths and statuses of all groups, from every rank's own. Collective."""
    mine = outcomes_of(
        [[response.completion for response in responses] for responses in own.values()],
        [[response.verdict for response in responses] for responses in own.values()],
        group,
    )
    parts = job.fleet.exchange.gather(mine)
    return merge_outcomes(parts, [job.fleet.own(num_problems, rank) for rank in range(len(parts))])
