"""Remove a folder that a hostile program has filled: any depth, closed folders, names of any kind, links never followed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def remove_if_there(root: str) -> None:
    """Remove `root` and all below it; nothing happens when it is gone, or when another process removes it meanwhile.

    Nested folders are first moved up into `root`, so no path grows long and nothing recurses.
    """
    if not Path(root).is_dir() or Path(root).is_symlink():
        return
    waiting = [root]
    moved = 0
    while waiting:
        folder = waiting.pop()
        with contextlib.suppress(FileNotFoundError):
            os.chmod(folder, 0o700)
            nested = _remove_files(folder)
            if nested and folder == root:
                waiting += [root, *nested]  # the root itself once more, when its folders are gone
                continue
            for path in nested:
                moved += 1
                waiting.append(f"{root}/moved-{moved}")
                os.chmod(path, 0o700)  # moving a folder takes the right to write to it
                os.rename(path, waiting[-1])
            os.rmdir(folder)


def _remove_files(folder: str) -> list[str]:
    """Unlink everything in a folder that is no folder; returns the folders in it."""
    with os.scandir(folder) as entries:
        found = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for path, is_dir in found:
        if not is_dir:
            os.unlink(path)
    return [path for path, is_dir in found if is_dir]
