"""Checkpoints at step boundaries: written beside, then renamed; damaged ones are passed over."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import torch.distributed as dist

from or1_trainer.errors import CheckpointError
from or1_trainer.learn.update import Learner
from or1_trainer.megatron.runtime import Runtime
from or1_trainer.megatron.sharded import load_sharded, save_sharded, verify_sharded
from or1_trainer.rollouts.fleet import gather
from or1_trainer.run.state import RunState, read_state, write_state

STATE = "state.json"


def save_checkpoint(run_dir: Path, learner: Learner, state: RunState, *, keep: int) -> Path:
    """`checkpoints/step_000040`, complete or absent; keeps the newest `keep`. Collective.

    Raises `CheckpointError` on every rank when any of them could not write (a full disk, say): the run can then be
    resumed from the checkpoint before, which is untouched.
    """
    folder = run_dir / "checkpoints"
    final, partial = folder / f"step_{state.step:06d}", folder / f"partial_{state.step:06d}"
    lead = learner.runtime.rank == 0
    _everywhere(lambda: _fresh(partial) if lead else None, learner.runtime, partial)
    _everywhere(lambda: save_sharded(partial, learner.policy, learner.optimizer), learner.runtime, partial)
    _everywhere(lambda: _finish(partial, final, state, keep) if lead else None, learner.runtime, partial)
    return final


def load_newest(run_dir: Path, learner: Learner, note: Callable[[str], None]) -> RunState | None:
    """Restore the newest whole checkpoint; None when the run has none yet. Collective.

    A damaged one is named through `note` and the one before it is used; `CheckpointError` when all are damaged.
    """
    found = checkpoints(run_dir)
    for path in reversed(found):
        problem = next((p for p in gather(_damage(path, learner.runtime), learner.runtime) if p), None)
        if problem is None:
            load_sharded(path, learner.policy, learner.optimizer)
            return read_state(path / STATE)
        note(f"{path.name} is damaged ({problem}); trying the one before")
    if found:
        raise CheckpointError(f"{run_dir / 'checkpoints'}: every checkpoint is damaged; start the run again")
    return None


def checkpoints(run_dir: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted((run_dir / "checkpoints").glob("step_*"))


def _damage(path: Path, runtime: Runtime) -> str | None:
    try:
        read_state(path / STATE)
        verify_sharded(path, runtime)
    except CheckpointError as error:
        return str(error)
    return None


def _fresh(partial: Path) -> None:
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)


def _finish(partial: Path, final: Path, state: RunState, keep: int) -> None:
    write_state(state, partial / STATE)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    for stale in _stale(final.parent, keep):
        shutil.rmtree(stale)


def _stale(folder: Path, keep: int) -> Sequence[Path]:
    return [*sorted(folder.glob("step_*"))[:-keep], *folder.glob("partial_*")]


def _everywhere(action: Callable[[], object], runtime: Runtime, partial: Path) -> None:
    """Run on this rank, then agree: one rank's failure is everybody's error, never a hang."""
    try:
        action()
        failure = None
    except OSError as error:
        failure = f"{error.strerror or error} (rank {runtime.rank})"
    if runtime.world_size > 1:
        failure = next((f for f in gather(failure, runtime) if f), None)
    if failure:
        if runtime.rank == 0:
            shutil.rmtree(partial, ignore_errors=True)
        raise CheckpointError(
            f"{partial}: the checkpoint could not be written: {failure}. The checkpoints before it are whole: "
            f"make room, then `or1-trainer resume {partial.parent.parent}`"
        )


def barrier(runtime: Runtime) -> None:
    """Wait for all ranks."""
    if runtime.world_size > 1:
        dist.barrier()
