"""The training loop of MAGIC: multi-stage GRPO with adaptive entropy (Skywork-OR1, arXiv 2505.22312, §3.1).

What happens in a step is read in three files: here; `rollout_batch.py` (draw, generate, verify, advantages); and
`update.py` (the loss and the optimizer steps).
"""

from __future__ import annotations

from msgspec.structs import replace

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.groups import group_metrics, staleness_metrics
from or1_trainer.algorithm.hacking import hacking_metrics
from or1_trainer.algorithm.reward_terms import term_metrics
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.evaluate import evaluate_policy
from or1_trainer.train.hashes import weights_hash
from or1_trainer.train.job import Job
from or1_trainer.train.observed_step import observed_step
from or1_trainer.train.record import finish_step, write_row
from or1_trainer.train.sampler import record
from or1_trainer.train.skipped_steps import skipped_in_a_row, stop_where_nothing_is_learned
from or1_trainer.train.source_metrics import source_metrics
from or1_trainer.train.stage_transitions import enter_stage, leave_stage
from or1_trainer.train.stages import Position, position_at
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.supervised import supervised_step
from or1_trainer.train.token_log import TokenLog
from or1_trainer.train.update import update


def train(job: Job, state: RunState, until: int | None = None) -> RunState:
    """Run from `state` to the end of the last stage, or until step `until` is done. Collective: every rank calls it."""
    if state.step == 0:
        write_row(job, state, evaluate_policy(job, state, StepTimes(job.view)))
    rollouts = Rollouts(job)
    try:
        while (position := position_at(job.config.stages, state.step, state.ended)) and state.step != until:
            step = supervised_step if position.stage.kind == "sft" else magic_step
            with observed_step(job, position.step + 1):
                state = step(job, rollouts, position, state)
            stop_where_nothing_is_learned(state, job.config.optimizer.max_skipped_steps)
    finally:
        rollouts.close()
    return state


def magic_step(job: Job, rollouts: Rollouts, position: Position, state: RunState) -> RunState:
    """One step: roll out a batch, update the policy and the entropy coefficient, sync the engine's weights, log."""
    times = StepTimes(job.view, job.spans)
    if position.is_stage_start:
        state = enter_stage(job, position, state)
    batch, state = rollouts.batch(position, state, times)
    memory = job.fleet.sleep()  # the engine frees GPU memory until the sync below
    tokens = TokenLog.of(batch.minibatches, batch.by_token, job.config.loss)
    with times.phase("update"):
        controller, learned = update(job.learner, batch.minibatches, controller_of(job, state), tokens.add)
    state = replace(
        state,
        step=state.step + 1,
        entropy_coefficient=controller.coefficient,
        entropy_previous=controller.previous,
        solved=record(state.solved, batch.groups),
        weight_version=state.weight_version + 1,
        skipped=skipped_in_a_row(state.skipped, learned),
    )
    hashed = {"hash/weights": weights_hash(job.learner.policy, job.runtime)}
    with times.phase("sync"):
        rollouts.sync_weights(batch.probe, state.weight_version)
    seen = {**group_metrics(batch.groups), **staleness_metrics(batch.groups, state.weight_version - 1)}
    seen |= hacking_metrics(batch.groups.outcomes)
    seen |= term_metrics(batch.groups.outcomes.terms_PGR, batch.groups.outcomes.weights_PR, job.scoring.names)
    state, end = leave_stage(job, position, state, seen, in_flight=rollouts.in_flight)
    if job.config.data.sources:
        seen |= source_metrics(batch.groups, job.dataset, state)
    metrics = {**stage_metrics(job, position, state), **seen, **learned, **hashed, **memory, **end, **batch.metrics}
    return finish_step(job, rollouts, state, metrics, tokens.added_to(batch.records, job.runtime), times)


def controller_of(job: Job, state: RunState) -> EntropyController:
    """The entropy controller as it stands before this step."""
    return EntropyController(
        settings=job.config.entropy, coefficient=state.entropy_coefficient, previous=state.entropy_previous
    )


def stage_metrics(job: Job, position: Position, state: RunState) -> dict[str, float]:
    """The stage, its problems, and the version of the weights after the step."""
    return {
        "stage/index": position.stage_index,
        "stage/context_tokens": position.stage.context_tokens,
        "stage/problems": len(job.dataset.train) - len(state.dropped),
        "weights/version": state.weight_version,
    }
