"""The end of a step: evaluate when due, write the row and the sampled rollouts, checkpoint when due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from or1_trainer.errors import TrainingError
from or1_trainer.metrics.log import Value
from or1_trainer.metrics.rollout_log import RolloutRecord
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.checkpoint import save_checkpoint
from or1_trainer.train.evaluate import evaluate_policy
from or1_trainer.train.job import Job
from or1_trainer.train.stages import Position, is_due, total_steps
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes


def finish_step(
    job: Job,
    rollouts: Rollouts,
    position: Position,
    state: RunState,
    metrics: Mapping[str, Value],
    records: Sequence[RolloutRecord],
    times: StepTimes,
) -> RunState:
    """Evaluation, then the row of `metrics.jsonl`, then the checkpoint.

    The row comes first because a resumed run drops the rows behind its checkpoint, and must find the ones before it.
    """
    last = state.step == total_steps(job.config.stages, state.ended)
    evaluated: dict[str, float] = {}
    if is_due(state.step, job.config.eval.every) or last:
        with times.phase("rollout"):
            rollouts.settle()
        evaluated = evaluate_policy(job, state, times)
    skipped = skipped_in_a_row(state.skipped, metrics)
    state = replace(state, eval_avg=evaluated.get("eval/avg"), skipped=skipped)
    if job.rollouts is not None:
        job.rollouts.write(state.step, records)
    write_row(job, state, {**stage_metrics(job, position, state), **metrics, **evaluated, **times.metrics()})
    if is_due(state.step, job.config.checkpoint.every) or last:
        if job.metrics is not None:
            job.metrics.sync()  # a checkpoint must never be ahead of its rows
        with times.phase("checkpoint"):
            save_checkpoint(job.folder, job.learner, state, job.config.checkpoint)
    return state


def stage_metrics(job: Job, position: Position, state: RunState) -> dict[str, float]:
    """The stage, its problems, and the version of the weights after the step."""
    is_supervised = position.stage.kind == "sft"
    left = len(job.dataset.train) - len(state.dropped)
    return {
        "stage/index": position.stage_index,
        "stage/context_tokens": position.stage.context_tokens,
        "stage/problems": len(job.chat_rows[position.stage_index]) if is_supervised else left,
        "weights/version": state.weight_version,
    }


def write_row(job: Job, state: RunState, metrics: Mapping[str, Value]) -> None:
    """One row of `metrics.jsonl`, on rank 0."""
    row = {"step": state.step, **metrics}
    if job.metrics is not None:
        job.metrics.append(row)
    for sink in job.sinks:
        sink.write(row)
    job.view.step(row)
    for alarm in job.alarms.update(row):
        job.view.note(f"step {alarm.step}: {alarm.text}")


def skipped_in_a_row(before: int, metrics: Mapping[str, Value]) -> int:
    """Steps in a row with nothing but skipped optimizer steps, the one of `metrics` included.

    A step without any optimizer step changes nothing.
    """
    if not metrics.get("optimizer/steps"):
        return before
    return before + 1 if metrics["optimizer/skipped"] == metrics["optimizer/steps"] else 0


def stop_where_nothing_is_learned(state: RunState, most: int) -> None:
    """Raise `TrainingError` after `most` such steps: on every rank, as all have the norm of the whole gradient."""
    if state.skipped >= most:
        raise TrainingError(
            f"step {state.step}: the gradient was not finite in {state.skipped} steps in a row, which were skipped; "
            "begin a run from the last good checkpoint (`or1-trainer export`) with a lower optimizer.lr, or look for "
            "the cause in metrics.jsonl (loss/total, policy/entropy)"
        )
