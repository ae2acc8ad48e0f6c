"""Atomic writes to a run folder, and clear errors when the file system refuses."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from or1_trainer.errors import RunFolderError

_THEN_RESUME = "free some space, then `or1-trainer resume` continues from the last checkpoint"
_ADVICE = {
    errno.ENOSPC: f"the disk is full: {_THEN_RESUME}",
    errno.EDQUOT: f"the disk quota is used up: {_THEN_RESUME}",
    errno.EACCES: "no permission: give this user write access to the run folder, or choose another folder",
    errno.EROFS: "the file system is read-only: choose a run folder elsewhere",
    errno.ENOENT: "the folder does not exist: was it moved or deleted during the run?",
}


@contextlib.contextmanager
def naming_path(path: Path, doing: str) -> Iterator[None]:
    """Turn an `OSError` in the body into a `RunFolderError`: cannot `doing` (a verb such as "write") `path`."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "check the path and the disk")
        raise RunFolderError(f"cannot {doing} {path}: {error.strerror or error}; {advice}") from error


def replace_file(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file atomically: after a kill it has either the old content or the new.

    A `durable` file also survives a power failure, by waiting for the disk (milliseconds, too long for every step).

    Raises:
        RunFolderError: the file system refused; the old file is unchanged and no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with naming_path(path, "write"):
        try:
            with temporary.open("wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
