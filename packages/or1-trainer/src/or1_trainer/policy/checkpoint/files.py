"""Folders that appear whole or not at all, written by one rank while the others wait for its result."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import torch.distributed as dist

from or1_trainer.policy.errors import CheckpointError

NO_ROOM = "free space or choose another folder, the older checkpoints are untouched"
"""What to do where a folder cannot be written."""


def staging(folder: Path) -> Path:
    """Where `folder` is built before it is renamed, on the same file system."""
    return folder.with_name(f".{folder.name}.partial")


def on_main_rank(what: str, action: Callable[[], None]) -> None:
    """Run `action` on rank 0 and raise its failure on every rank, so that nobody waits for a rank that has stopped.

    Raises:
        CheckpointError: an operating-system error (full disk, permissions) stopped rank 0.
    """
    failure: list[str | None] = [None]
    if dist.get_rank() == 0:
        try:
            action()
        except OSError as error:
            failure = [f"{what}: {error}"]
    dist.broadcast_object_list(failure)
    if failure[0] is not None:
        raise CheckpointError(f"{failure[0]}; {NO_ROOM}")


def start_folder(folder: Path) -> None:
    """Make an empty staging folder."""
    partial = staging(folder)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)


def finish_folder(folder: Path) -> None:
    """Rename the staging folder to its final name; a folder of that name is replaced."""
    partial = staging(folder)
    replaced = folder.with_name(f".{folder.name}.replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    partial.rename(folder)
    parent = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(parent)  # the rename itself must survive a power cut
    finally:
        os.close(parent)
    shutil.rmtree(replaced, ignore_errors=True)
