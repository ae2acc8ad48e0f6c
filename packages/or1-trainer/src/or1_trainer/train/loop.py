"""The training loop of MAGIC: multi-stage GRPO with adaptive entropy (Skywork-OR1, arXiv 2505.22312, §3.1).

What happens in a step is read in three files: here; `rollout_batch.py` (draw, generate, verify, advantages); and
`update.py` (the loss and the optimizer steps).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.groups import group_metrics, staleness_metrics
from or1_trainer.algorithm.hacking import hacking_metrics
from or1_trainer.algorithm.reward_terms import term_metrics
from or1_trainer.algorithm.stage_convergence import has_converged
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.dataset import source_metrics
from or1_trainer.train.evaluate import evaluate_policy
from or1_trainer.train.hashes import weights_hash
from or1_trainer.train.job import Job
from or1_trainer.train.record import finish_step, stop_where_nothing_is_learned, write_row
from or1_trainer.train.sampler import Cursor, drop_solved, record
from or1_trainer.train.stages import Position, position_at, total_steps
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes, observed_step
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
                if position.is_stage_start and position.stage_index:
                    state = enter_stage(job, position, state)
                state = step(job, rollouts, position, state)
            stop_where_nothing_is_learned(state, job.config.optimizer.max_skipped_steps)
    finally:
        rollouts.close()
    return state


def magic_step(job: Job, rollouts: Rollouts, position: Position, state: RunState) -> RunState:
    """One step: roll out a batch, update the policy and the entropy coefficient, sync the engine's weights, log."""
    times = StepTimes(job.view, job.spans)
    batch, state = rollouts.batch(position, state, times)
    memory = job.fleet.sleep()  # the engine frees GPU memory until the sync below
    tokens = TokenLog.of(batch.minibatches, batch.by_token, job.config.loss)
    controller = EntropyController(
        settings=job.config.entropy, coefficient=state.entropy_coefficient, previous=state.entropy_previous
    )
    with times.phase("update"):
        controller, learned = update(job.learner, batch.minibatches, controller, tokens.add)
    state = replace(
        state,
        step=state.step + 1,
        entropy_coefficient=controller.coefficient,
        entropy_previous=controller.previous,
        solved=record(state.solved, batch.groups),
        weight_version=state.weight_version + 1,
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
    metrics = {**seen, **learned, **hashed, **memory, **end, **batch.metrics}
    records = tokens.added_to(batch.records, job.runtime)
    return finish_step(job, rollouts, position, state, metrics, records, times)


def enter_stage(job: Job, position: Position, state: RunState) -> RunState:
    """Apply the online filter (Skywork-OR1, arXiv 2505.22312, §3.1), and begin a fresh pass over what is left."""
    left = [problem for name in job.dataset.pools for problem in job.dataset.left(name, state.dropped)]
    kept = drop_solved(left, state.solved) if position.stage.drop_solved else left
    gone = {problem.id for problem in left} - {problem.id for problem in kept}
    job.view.note(
        f"stage {position.stage_index + 1}: up to {position.stage.context_tokens} tokens a response; "
        f"{len(gone)} of {len(left)} problems were always solved and are dropped"
    )
    dropped = (*state.dropped, *sorted(gone))
    cursors = {name: Cursor(cursor.epoch + 1) for name, cursor in state.cursors.items()}
    return replace(state, dropped=dropped, solved={}, history=(), epoch=state.epoch + 1, taken=0, cursors=cursors)


def leave_stage(
    job: Job, position: Position, state: RunState, metrics: Mapping[str, float], *, in_flight: int
) -> tuple[RunState, dict[str, float]]:
    """With `advance.rule = "auto"`, record this step and end the stage when it has converged.

    It ends behind the `in_flight` batches that have begun, so that none is thrown away. The decision uses logged
    metrics only, which are the same on every rank; their history is in the checkpoint.
    """
    rule, index = position.stage.advance, position.stage_index
    if rule.rule == "count":
        return state, {}
    step = (metrics["reward/mean"], metrics["reward/truncated_rate"])
    history = (*state.history, step)[-2 * rule.window_steps :]
    state = replace(state, history=history)
    if index not in state.ended and has_converged(history, window_steps=rule.window_steps, gain=rule.gain):
        end = state.step + in_flight
        state = replace(state, ended={**state.ended, index: end})
        job.view.progress.total_steps = total_steps(job.config.stages, state.ended)
        job.view.note(f"stage {index + 1} has converged and ends after step {end}")
    return state, {"stage/ended": float(state.ended.get(index) == state.step)}
