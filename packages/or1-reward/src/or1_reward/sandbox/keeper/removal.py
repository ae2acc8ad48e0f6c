"""Remove a folder that a hostile program has filled: any depth, closed folders, names of any kind, links never followed."""

from __future__ import annotations

import os
from pathlib import Path


def remove_tree(root: str) -> None:
    """Remove `root` and all below it. Nested folders are first moved up, so no path grows long and nothing recurses."""
    moved = 0
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, 0o700)
        with os.scandir(folder) as entries:
            found = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
        if folder == root and any(is_dir for _, is_dir in found):
            waiting.append(root)  # once more, when its folders are gone
        for path, is_dir in found:
            if not is_dir:
                os.unlink(path)
            elif folder == root:
                waiting.append(path)
            else:
                os.chmod(path, 0o700)  # moving a folder takes the right to write to it
                moved += 1
                waiting.append(f"{root}/moved-{moved}")
                os.rename(path, waiting[-1])
        if not any(is_dir for _, is_dir in found) or folder != root:
            os.rmdir(folder)


def remove_if_there(root: str) -> None:
    """`remove_tree`, if it is there and a folder."""
    if Path(root).is_dir() and not Path(root).is_symlink():
        remove_tree(root)
