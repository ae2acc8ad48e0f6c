"""The start and the early end of a context stage: the online filter, and the convergence test."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from or1_trainer.algorithm.stage_convergence import has_converged
from or1_trainer.train.job import Job
from or1_trainer.train.sampler import drop_solved
from or1_trainer.train.stages import Position, total_steps
from or1_trainer.train.state import RunState


def enter_stage(job: Job, position: Position, state: RunState) -> RunState:
    """Apply the online filter (Skywork-OR1, arXiv 2505.22312, §3.1), and begin a fresh pass over what is left."""
    if position.stage_index == 0:
        return state
    left = job.dataset.all_left(state.dropped)
    kept = drop_solved(left, state.solved) if position.stage.drop_solved else left
    gone = {problem.id for problem in left} - {problem.id for problem in kept}
    job.view.note(
        f"stage {position.stage_index + 1}: up to {position.stage.context_tokens} tokens a response; "
        f"{len(gone)} of {len(left)} problems were always solved and are dropped"
    )
    dropped = (*state.dropped, *sorted(gone))
    cursors = {name: (epoch + 1, 0) for name, (epoch, _) in state.cursors.items()}
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
