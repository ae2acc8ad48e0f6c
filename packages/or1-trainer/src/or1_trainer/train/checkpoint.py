"""Checkpoints at step boundaries: written to a temporary folder, then renamed; damaged ones are skipped."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from or1_trainer.config.schema import CheckpointSettings
from or1_trainer.policy.checkpoint.files import on_main_rank
from or1_trainer.policy.checkpoint.sharded import load_sharded, save_sharded
from or1_trainer.policy.errors import CheckpointError
from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.interface import Optimizer
from or1_trainer.train.learner import Learner
from or1_trainer.train.state import RunState, read_state, write_state

STATE, TENSORS = "state.json", "tensors"
Note = Callable[[str], None]
"""Told about what was passed over."""


def save_checkpoint(run_dir: Path, learner: Learner, state: RunState, settings: CheckpointSettings) -> Path:
    """`checkpoints/step_000040`, complete or absent; keeps the newest and the best. Collective.

    Raises `CheckpointError` on every rank when any of them could not write (a full disk, say): the checkpoints before
    are untouched, and the run resumes from the newest of them. A Ctrl-C meanwhile is raised when it is complete.
    """
    folder = run_dir / "checkpoints"
    final, partial = folder / f"step_{state.step:06d}", folder / f"partial_{state.step:06d}"
    where = f"cannot write {final}; make room, then `or1-trainer resume {run_dir}`"
    with defer_sigint():
        on_main_rank(where, lambda: _fresh(partial))
        try:
            save_sharded(partial / TENSORS, learner.policy, learner.optimizer)
        except CheckpointError as error:
            raise CheckpointError(f"{where}: {error}") from error
        on_main_rank(where, lambda: _finish(partial, final, state, settings))
    return final


def load_checkpoint(
    run_dir: Path, policy: Policy, optimizer: Optimizer | None, note: Note, *, wants_best: bool = False
) -> RunState | None:
    """Restore the newest complete checkpoint, or the one that was evaluated best; None without any yet. Collective.

    Without an optimizer only the weights are read, on any device. A damaged one is named through `note` and the one
    before it is used; `CheckpointError` when all are damaged.
    """
    kept = checkpoints(run_dir)
    found = best(kept, len(kept)) if wants_best else kept[::-1]
    for path in found:
        try:
            with defer_sigint():
                state = read_state(path / STATE)
                load_sharded(path / TENSORS, policy, optimizer)
        except CheckpointError as error:
            note(f"{path.name} cannot be used, trying the one before: {error}")
        else:
            return state
    if found:
        raise CheckpointError(
            f"{run_dir / 'checkpoints'}: there is no usable checkpoint; start the run again in a new folder"
        )
    return None


def checkpoints(run_dir: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    return sorted((run_dir / "checkpoints").glob("step_*"))


def _fresh(partial: Path) -> None:
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)


def best(found: Sequence[Path], count: int) -> list[Path]:
    """The `count` checkpoints with the highest held-out avg@k, the newer first where two are equal."""
    scored = [(avg, path) for path in found if (avg := _eval_avg(path)) is not None]
    return [path for _, path in sorted(scored, reverse=True)[:count]]


def _eval_avg(path: Path) -> float | None:
    """Held-out avg@k of a checkpoint; None where it was not evaluated or is damaged."""
    try:
        return read_state(path / STATE).eval_avg
    except CheckpointError:
        return None


def _finish(partial: Path, final: Path, state: RunState, settings: CheckpointSettings) -> None:
    write_state(state, partial / STATE)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    found = checkpoints(final.parent.parent)
    stays = {*found[-settings.keep :], *best(found, settings.keep_best)}
    for stale in [*(path for path in found if path not in stays), *final.parent.glob("partial_*")]:
        shutil.rmtree(stale)


@contextmanager
def defer_sigint() -> Iterator[None]:
    """Raise `KeyboardInterrupt` when the body has ended, if SIGINT came meanwhile; a second SIGINT raises at once.

    torch's writer of archives swallows an interrupt in the middle of a file and then reports a damaged one. In other
    threads than the main one this does nothing: Python delivers signals to the main thread alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            signal.default_int_handler(number, frame)
        seen.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if seen:
        raise KeyboardInterrupt
