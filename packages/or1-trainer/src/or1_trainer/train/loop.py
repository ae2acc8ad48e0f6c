"""MAGIC, in the order the data takes (PAPER §2.5)."""

from __future__ import annotations

from msgspec.structs import replace

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.groups import group_metrics, split_minibatches, staleness_metrics
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.evaluate import evaluate_policy
from or1_trainer.train.job import Job, PhaseClock
from or1_trainer.train.record import finish_step, write_row
from or1_trainer.train.sampler import record
from or1_trainer.train.stage_transitions import enter_stage, leave_stage
from or1_trainer.train.stages import Position, position_at
from or1_trainer.train.state import RunState
from or1_trainer.train.update import update
from or1_trainer.train.weight_sync import probe_of


def train(job: Job, state: RunState) -> RunState:
    """Run from `state` to the end of the last stage. Every rank calls it; every collective is reached by all."""
    if state.step == 0:
        write_row(job, state, evaluate_policy(job, state))
    rollouts = Rollouts(job)
    try:
        while (position := position_at(job.config.stages, state.step, state.ended)) is not None:
            state = magic_step(job, rollouts, position, state)
    finally:
        rollouts.close()
    return state


def magic_step(job: Job, rollouts: Rollouts, position: Position, state: RunState) -> RunState:
    """One step: draw, roll out, judge, advantages, update with the entropy controller, push and prove, log."""
    clock = PhaseClock()
    if position.is_stage_start:
        state = enter_stage(job, position, state)
    batch, state = rollouts.batch(position, state, clock)
    memory = job.fleet.sleep()
    with clock.phase("update"), job.view.phase("update"):
        controller = EntropyController(
            settings=job.config.entropy, coefficient=state.entropy_coefficient, previous=state.entropy_previous
        )
        samples_by_step = split_minibatches(
            batch.trained, position.stage.mini_prompts, reject=job.config.loss.reject_zero_advantage
        )
        controller, learnt = update(
            job.learner, samples_by_step, controller, context_tokens=position.stage.context_tokens
        )
    state = replace(
        state,
        step=state.step + 1,
        entropy_coefficient=controller.coefficient,
        entropy_previous=controller.previous,
        solved=record(state.solved, [(group.problem_id, group.rewards) for group in batch.drawn]),
        weight_version=state.weight_version + 1,
    )
    with clock.phase("push"), job.view.phase("push"):
        rollouts.push(probe_of(batch.drawn), state.weight_version)
    stage = {
        "stage/index": position.stage_index,
        "stage/context_tokens": position.stage.context_tokens,
        "stage/problems": len(job.train) - len(state.dropped),
    }
    seen = {**group_metrics(batch.drawn), **staleness_metrics(batch.drawn, state.weight_version - 1)}
    state, end = leave_stage(job, position, state, seen, in_flight=rollouts.in_flight)
    metrics = {**stage, **seen, **learnt, **memory, **end, "weights/version": state.weight_version}
    if job.config.rollout.refill:
        metrics |= batch.metrics()
    return finish_step(job, rollouts, state, metrics, batch.drawn, clock)
