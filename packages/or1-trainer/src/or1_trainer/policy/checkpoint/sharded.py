"""Exact training state in a folder, from every rank at once and for any layout; it appears whole or not at all.

Weights are stored apart from the optimizer's state, in a format of their own that every device reads. `manifest` seals
the folder.
"""

from pathlib import Path

from torch.distributed.checkpoint.api import CheckpointException

from or1_trainer.policy.checkpoint.files import on_main_rank, staging, start_folder
from or1_trainer.policy.checkpoint.manifest import check_device, checked_manifest, seal
from or1_trainer.policy.checkpoint.tensors import load_tensors, save_tensors, weights_of
from or1_trainer.policy.errors import CheckpointError
from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.interface import Optimizer

WEIGHTS, OPTIMIZER = "weights", "optimizer"


def save_sharded(folder: str | Path, policy: Policy, optimizer: Optimizer | None) -> None:
    """Write weights and, if given, the optimizer's state; a collective.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written (on every rank).
    """
    target = Path(folder)
    on_main_rank(f"cannot write {target}", lambda: start_folder(target))
    partial, steps = staging(target), optimizer.steps if optimizer is not None else 0
    try:
        save_tensors(partial / WEIGHTS, policy, weights_of(policy), steps)
        if optimizer is not None:
            optimizer.save(partial / OPTIMIZER)
    except (CheckpointException, OSError) as error:
        _raise_interrupt(error)
        raise CheckpointError(
            f"cannot write {target}: {_cause(error)}; free space or choose another folder, "
            "the older checkpoints are untouched"
        ) from error
    seal(target, policy, steps)


def load_sharded(folder: str | Path, policy: Policy, optimizer: Optimizer | None) -> None:
    """Load what `save_sharded` wrote, at any tensor- and data-parallel size; a collective.

    With `optimizer` None only the weights are read, on any device.

    Raises:
        CheckpointError: the folder is incomplete or damaged, belongs to another model, or holds the optimizer's state
            of another device.
    """
    source = Path(folder)
    manifest = checked_manifest(source, policy)
    if optimizer is not None:
        check_device(source, manifest, policy)
    try:
        if optimizer is not None:
            optimizer.load(source / OPTIMIZER)
        load_tensors(source / WEIGHTS, policy, weights_of(policy))  # Megatron's optimizer writes weights while it loads
    except (CheckpointException, OSError, RuntimeError, ValueError) as error:
        _raise_interrupt(error)
        raise CheckpointError(
            f"{source} does not fit this model: {_cause(error)}; resume with the recipe of its run"
        ) from error


def _raise_interrupt(error: BaseException) -> None:
    """Raise Ctrl-C on any rank as such; torch reports it as a failed checkpoint."""
    failures = error.failures.values() if isinstance(error, CheckpointException) else ()
    for failure in (error, *(inner for inner, _ in failures)):
        cause: BaseException | None = failure
        while cause is not None:  # a writer that is interrupted may fail once more while it closes its file
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            cause = cause.__cause__ or cause.__context__


def _cause(error: BaseException) -> str:
    """The first rank's own error out of torch's wrapper."""
    failures = getattr(error, "failures", None)
    if failures:
        rank, (inner, _) = next(iter(failures.items()))
        return f"rank {rank}: {inner!r}"
    return str(error)
