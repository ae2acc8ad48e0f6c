"""MAGIC, in the order the data takes (PAPER §2.5)."""

from __future__ import annotations

from msgspec.structs import replace

from or1_rollout.seeds import sample_seed
from or1_rollout.types import SamplingParams
from or1_trainer.config.schema import StageSettings
from or1_trainer.learn.update import update
from or1_trainer.method.entropy import EntropyController
from or1_trainer.method.groups import Group, group_metrics, score_groups, split_minibatches
from or1_trainer.rollouts.push import probe_of, push_weights
from or1_trainer.rollouts.verdicts import judge
from or1_trainer.run.evaluation import evaluate_policy
from or1_trainer.run.job import Job, PhaseClock
from or1_trainer.run.plan import Position, position_at
from or1_trainer.run.problems import Cursor, draw, drop_solved, record, remaining
from or1_trainer.run.record import finish_step, write_row
from or1_trainer.run.state import RunState


def train(job: Job, state: RunState) -> RunState:
    """Run from `state` to the end of the last stage. Every rank calls it; every collective is reached by all."""
    if state.step == 0:
        write_row(job, state, evaluate_policy(job, state))
    while (position := position_at(job.config.stages, state.step)) is not None:
        state = magic_step(job, position, state)
    return state


def magic_step(job: Job, position: Position, state: RunState) -> RunState:
    """One step: draw, roll out, judge, advantages, update with the entropy controller, push and prove, log."""
    clock = PhaseClock()
    if position.is_stage_start:
        state = enter_stage(job, position, state)
    groups, state = roll_out(job, position.stage, state, clock)
    with clock.phase("update"), job.view.phase("update"):
        controller = EntropyController(settings=job.config.entropy, coefficient=state.entropy_coefficient)
        samples_by_step = split_minibatches(
            groups, position.stage.mini_prompts, reject=job.config.loss.reject_zero_advantage
        )
        controller, learnt = update(job.learner, samples_by_step, controller)
    state = replace(
        state,
        step=state.step + 1,
        entropy_coefficient=controller.coefficient,
        solved=record(state.solved, [(group.problem_id, group.rewards) for group in groups]),
        weight_version=state.weight_version + 1,
    )
    with clock.phase("push"), job.view.phase("push"):
        push_weights(job.learner, job.fleet.engine, probe_of(groups), version=state.weight_version)
    stage = {"stage/index": position.stage_index, "stage/context_tokens": position.stage.context_tokens}
    metrics = {**stage, **group_metrics(groups), **learnt, "weights/version": state.weight_version}
    return finish_step(job, state, metrics, groups, clock)


def enter_stage(job: Job, position: Position, state: RunState) -> RunState:
    """Online filter (PAPER §2.2 rule 2), then a fresh pass over what is left."""
    if position.stage_index == 0:
        return state
    left = remaining(job.train, state.dropped)
    kept = drop_solved(left, state.solved) if position.stage.drop_solved else left
    gone = {problem.id for problem in left} - {problem.id for problem in kept}
    job.view.note(
        f"stage {position.stage_index + 1}: up to {position.stage.context_tokens} tokens a response; "
        f"{len(gone)} of {len(left)} problems were always solved and are left out"
    )
    return replace(state, dropped=(*state.dropped, *sorted(gone)), solved={}, epoch=state.epoch + 1, taken=0)


def roll_out(job: Job, stage: StageSettings, state: RunState, clock: PhaseClock) -> tuple[list[Group], RunState]:
    """Draw problems, sample their groups with per-sample seeds, judge, and attach advantages."""
    with clock.phase("draw"):
        problems, cursor = draw(
            remaining(job.train, state.dropped),
            stage.prompts,
            Cursor(epoch=state.epoch, taken=state.taken),
            job.config.seed,
        )
        prompts = [job.prompts.ids(problem) for problem in problems]
        seeds = [
            [sample_seed(job.config.seed, state.step, position, sample) for sample in range(stage.group)]
            for position in range(len(problems))
        ]
    params = SamplingParams(
        n=stage.group,
        max_new_tokens=stage.context_tokens,
        temperature=job.config.rollout.temperature,
        top_p=job.config.rollout.top_p,
    )
    with clock.phase("rollout"), job.view.phase("rollout", total=len(prompts)) as progress:
        completions = job.fleet.generate(prompts, params, seeds=seeds, on_group=lambda *_: progress.advance(1))
    with clock.phase("verify"), job.view.phase("verify"):
        verdicts = judge(completions, [problem.ground_truth for problem in problems], job.runtime)
    named = [(p.id, job.prompts.text(p), ids) for p, ids in zip(problems, prompts, strict=True)]
    groups = score_groups(named, completions, verdicts, job.config.loss)
    return groups, replace(state, epoch=cursor.epoch, taken=cursor.taken)
