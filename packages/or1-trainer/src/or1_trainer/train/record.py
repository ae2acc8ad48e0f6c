"""The end of a step: evaluate and checkpoint when due, and write down what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from or1_trainer.algorithm.groups import Group
from or1_trainer.metrics.rollout_log import RolloutRecord
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.checkpoint import save_checkpoint
from or1_trainer.train.evaluate import evaluate_policy
from or1_trainer.train.job import Job, PhaseClock
from or1_trainer.train.stages import is_due, total_steps
from or1_trainer.train.state import RunState


def finish_step(
    job: Job,
    rollouts: Rollouts,
    state: RunState,
    metrics: Mapping[str, float],
    groups: Sequence[Group],
    clock: PhaseClock,
) -> RunState:
    """Evaluation, then the row of `metrics.jsonl`, then the checkpoint.

    The row comes first because a resumed run drops the rows behind its checkpoint, and must find the ones before it.
    """
    last = state.step == total_steps(job.config.stages, state.ended)
    evaluated: dict[str, float] = {}
    if is_due(state.step, job.config.eval.every) or last:
        with clock.phase("eval"):
            rollouts.settle()
            evaluated = evaluate_policy(job, state)
    state = replace(state, eval_avg=evaluated.get("eval/avg"))
    if job.rollouts is not None:
        kept = job.rollouts.keeps(state.step, [group.problem_id for group in groups])
        shown = [record for group in groups if group.problem_id in kept for record in group_records(group)]
        job.rollouts.write(state.step, shown)
    write_row(job, state, {**metrics, **evaluated, **clock.metrics()})
    if is_due(state.step, job.config.checkpoint.every) or last:
        if job.metrics is not None:
            job.metrics.sync()  # a checkpoint must never be ahead of its rows
        with job.view.phase("checkpoint"):
            save_checkpoint(job.folder, job.learner, state, job.config.checkpoint)
    return state


def write_row(job: Job, state: RunState, metrics: Mapping[str, float]) -> None:
    """One row of `metrics.jsonl`, on rank 0."""
    row = {"step": state.step, **metrics}
    if job.metrics is not None:
        job.metrics.append(row)
    for sink in job.sinks:
        sink.write(row)
    job.view.step(row)
    for alarm in job.alarms.update(row):
        job.view.note(f"step {alarm.step}: {alarm.text}")


def group_records(group: Group) -> list[RolloutRecord]:
    """A group as people read it."""
    return [
        RolloutRecord(
            problem_id=group.problem_id,
            prompt=group.prompt_text,
            response=completion.text,
            status=verdict.status.value,
            reward=verdict.reward,
            advantage=advantage if group.has_signal and verdict.reward is not None else None,
            finish_reason=completion.finish_reason.value,
            num_tokens=len(completion.token_ids),
            seed=completion.seed,
        )
        for completion, verdict, advantage in zip(group.completions, group.verdicts, group.advantages, strict=True)
    ]
