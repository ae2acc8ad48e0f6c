"""A run whose gradients are not finite keeps its weights, and ends when that does not pass."""

from __future__ import annotations

from collections.abc import Mapping

from or1_trainer.errors import TrainingError
from or1_trainer.train.state import RunState


def skipped_in_a_row(before: int, metrics: Mapping[str, float]) -> int:
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
