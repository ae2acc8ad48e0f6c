"""Writing into a run folder: whole files or nothing, and a clear error when the disk says no."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from or1_trainer.errors import RunFolderError

_THEN_RESUME = "free some space, then `or1-trainer resume` goes on from the last checkpoint"
_ADVICE = {
    errno.ENOSPC: f"the disk is full: {_THEN_RESUME}",
    errno.EDQUOT: f"the disk quota is used up: {_THEN_RESUME}",
    errno.EACCES: "no permission: give this user write access to the run folder, or choose another one",
    errno.EROFS: "the file system is read-only: choose a run folder elsewhere",
    errno.ENOENT: "the folder is gone: was it moved or deleted while the run was going?",
}


@contextlib.contextmanager
def naming_path(path: Path, doing: str) -> Iterator[None]:
    """Turn an `OSError` of the body into a `RunFolderError` that says what was done to which path.

    Args:
        path: the file or folder worked on.
        doing: the verb for the message, such as "write".

    Raises:
        RunFolderError: in place of any `OSError`.
    """
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "check the path and the disk")
        raise RunFolderError(f"cannot {doing} {path}: {error.strerror or error}; {advice}") from error


def replace_file(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write `content` under a temporary name, then rename it to `path`: a kill leaves the old file or the new one.

    Args:
        path: the file.
        content: all of it.
        durable: also survive a power cut; waiting for the disk takes milliseconds, too long for every training step.

    Raises:
        RunFolderError: the file system refused; the old file is untouched and no temporary file stays.
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
