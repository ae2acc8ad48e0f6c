"""One step's rollout batch: what it is made of, and its groups with verdicts and advantages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from or1_data.schema import Problem
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, SamplingParams
from or1_trainer.algorithm.groups import Group, score_groups
from or1_trainer.config.schema import StageSettings
from or1_trainer.train.job import Job
from or1_trainer.train.sampler import Cursor, draw
from or1_trainer.train.state import RunState
from or1_trainer.train.verify import judge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """A batch before it is rolled out: all that decides its samples but the weights."""

    problems: Sequence[Problem]
    prompts: Sequence[Sequence[int]]
    seeds_PG: Sequence[Sequence[int]]
    params: SamplingParams


def draw_batch(job: Job, stage: StageSettings, step: int, state: RunState, number: int = 0) -> tuple[Drawn, RunState]:
    """The problems of `step` with their per-sample seeds, and the state with the cursor behind them.

    `number` counts the step's batches where it has several (`train/refill.py`): no seed comes twice.
    """
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


def roll_out(job: Job, drawn: Drawn, on_prompt: Callable[[], None] = lambda: None) -> list[list[Completion]]:
    """[P][G] completions of the engine's present weights. `on_prompt` is called as each group of this rank ends."""
    return job.fleet.generate(drawn.prompts, drawn.params, seeds=drawn.seeds_PG, on_group=lambda *_: on_prompt())


def score(job: Job, drawn: Drawn, completions_PG: Sequence[Sequence[Completion]]) -> list[Group]:
    """Verdicts, rewards and group advantages."""
    verdicts_PG = judge(completions_PG, [problem.ground_truth for problem in drawn.problems], job.fleet.exchange)
    named = [(p.id, job.prompts.text(p), ids) for p, ids in zip(drawn.problems, drawn.prompts, strict=True)]
    return score_groups(named, completions_PG, verdicts_PG, job.config.loss, context_tokens=drawn.params.max_new_tokens)
