"""Checkpoints at step boundaries: written beside, then renamed; damaged ones are passed over."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from or1_trainer.learn.learner import Learner
from or1_trainer.megatron.errors import CheckpointError
from or1_trainer.megatron.files import on_main_rank
from or1_trainer.megatron.sharded import load_sharded, save_sharded
from or1_trainer.run.state import RunState, read_state, write_state

STATE, TENSORS = "state.json", "tensors"


def save_checkpoint(run_dir: Path, learner: Learner, state: RunState, *, keep: int) -> Path:
    """`checkpoints/step_000040`, complete or absent; keeps the newest `keep`. Collective.

    Raises `CheckpointError` on every rank when any of them could not write (a full disk, say): the checkpoints before
    are untouched, and the run resumes from the newest of them.
    """
    folder = run_dir / "checkpoints"
    final, partial = folder / f"step_{state.step:06d}", folder / f"partial_{state.step:06d}"
    where = f"cannot write {final}; make room, then `or1-trainer resume {run_dir}`"
    on_main_rank(where, lambda: _fresh(partial))
    try:
        save_sharded(partial / TENSORS, learner.policy, learner.optimizer)
    except CheckpointError as error:
        raise CheckpointError(f"{where}: {error}") from error
    on_main_rank(where, lambda: _finish(partial, final, state, keep))
    return final


def load_newest(run_dir: Path, learner: Learner, note: Callable[[str], None]) -> RunState | None:
    """Restore the newest whole checkpoint; None when the run has none yet. Collective.

    A damaged one is named through `note` and the one before it is used; `CheckpointError` when all are damaged.
    """
    found = checkpoints(run_dir)
    for path in reversed(found):
        try:
            state = read_state(path / STATE)
            load_sharded(path / TENSORS, learner.policy, learner.optimizer)
        except CheckpointError as error:
            note(f"{path.name} cannot be used, trying the one before: {error}")
        else:
            return state
    if found:
        raise CheckpointError(
            f"{run_dir / 'checkpoints'}: no checkpoint can be used; start the run again in a new folder"
        )
    return None


def checkpoints(run_dir: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted((run_dir / "checkpoints").glob("step_*"))


def _fresh(partial: Path) -> None:
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)


def _finish(partial: Path, final: Path, state: RunState, keep: int) -> None:
    write_state(state, partial / STATE)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    for stale in [*checkpoints(final.parent.parent)[:-keep], *final.parent.glob("partial_*")]:
        shutil.rmtree(stale)
