"""Exact training state in a folder, from every rank at once and for any layout; it appears whole or not at all.

Weights are stored apart from the optimizer's state, in a format of their own that every device reads. `manifest.json`,
with a SHA-256 of every file, is written last.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch.distributed as dist
from torch.distributed.checkpoint.api import CheckpointException

from or1_trainer.policy.checkpoint.files import NO_ROOM, finish_folder, on_main_rank, staging, start_folder
from or1_trainer.policy.checkpoint.tensors import load_tensors, save_tensors, weights_of
from or1_trainer.policy.errors import CheckpointError
from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.interface import Optimizer

WEIGHTS, OPTIMIZER, MANIFEST = "weights", "optimizer", "manifest.json"
_FORMAT = 2


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
        raise _failure(error, f"cannot write {target}", NO_ROOM) from error
    _seal(target, policy, steps)


def load_sharded(folder: str | Path, policy: Policy, optimizer: Optimizer | None) -> None:
    """Load what `save_sharded` wrote, at any tensor- and data-parallel size; a collective.

    With `optimizer` None only the weights are read, on any device.

    Raises:
        CheckpointError: the folder is incomplete or damaged, belongs to another model, or holds the optimizer's state
            of another device.
    """
    source = Path(folder)
    _check_manifest(source, policy, with_optimizer=optimizer is not None)
    try:
        if optimizer is not None:
            optimizer.load(source / OPTIMIZER)
        load_tensors(source / WEIGHTS, policy, weights_of(policy))  # Megatron's optimizer writes weights while it loads
    except (CheckpointException, OSError, RuntimeError, ValueError) as error:
        raise _failure(error, f"{source} does not fit this model", "resume with the recipe of its run") from error


def _seal(target: Path, policy: Policy, steps: int) -> None:
    """Write the manifest of the staged folder and give the folder its name; a collective."""
    manifest = {
        "format": _FORMAT,
        "step": steps,
        "tensor": policy.runtime.tensor_size,
        "data": policy.runtime.data_size,
        "device": policy.runtime.platform,
        "dtype": str(policy.dtype),
        "sha256": _digests(policy, staging(target)),
    }

    def finish() -> None:
        (staging(target) / MANIFEST).write_text(json.dumps(manifest, indent=1))
        finish_folder(target)

    on_main_rank(f"cannot write {target}", finish)


def _check_manifest(folder: Path, policy: Policy, *, with_optimizer: bool) -> None:
    """Raise `CheckpointError` unless all files are as they were written; a collective.

    The optimizer's state must be of this device, if it is wanted: CPU and CUDA have different optimizers.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        expected = manifest["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder} is not a complete checkpoint ({error!r}); use the one before") from error
    if manifest.get("format") != _FORMAT:
        raise CheckpointError(
            f"{folder} has checkpoint format {manifest.get('format')!r}, this version reads {_FORMAT}"
        )
    found = _digests(policy, folder)
    wrong = sorted(name for name in expected if found.get(name) != expected[name])
    if wrong:
        raise CheckpointError(
            f"{folder} is damaged: {', '.join(wrong[:3])} missing or changed since it was written; use the one before"
        )
    if with_optimizer and manifest["device"] != policy.runtime.platform:
        raise CheckpointError(
            f"{folder} was written on {manifest['device']}; the optimizer's state moves between layouts but not "
            "between CPU and CUDA: resume there, or export the model and start from it"
        )


def _digests(policy: Policy, folder: Path) -> dict[str, str]:
    """SHA-256 of every file, the files shared out over the ranks."""
    runtime = policy.runtime
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    mine: dict[str, str] = {}
    for path in files[runtime.rank :: runtime.world_size]:
        with path.open("rb") as file:
            mine[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    gathered: list[dict[str, str]] = [{} for _ in range(runtime.world_size)]
    dist.all_gather_object(gathered, mine)
    return {name: digest for part in gathered for name, digest in sorted(part.items())}


def _failure(error: BaseException, what: str, advice: str) -> BaseException:
    """The error to raise: Ctrl-C on any rank, which torch reports as a failed checkpoint, or the first rank's error."""
    failures = error.failures if isinstance(error, CheckpointException) else {}
    for failure in (error, *(inner for inner, _ in failures.values())):
        cause: BaseException | None = failure
        while cause is not None:  # a writer that is interrupted may fail once more while it closes its file
            if isinstance(cause, KeyboardInterrupt):
                return KeyboardInterrupt()
            cause = cause.__cause__ or cause.__context__
    first = next((f"rank {rank}: {inner!r}" for rank, (inner, _) in failures.items()), str(error))
    return CheckpointError(f"{what}: {first}; {advice}")
