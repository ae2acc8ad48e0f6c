"""The folder of a worker under the temporary directory: named after its owner, so that a dead owner's can be swept."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from pathlib import Path

from .keeper.removal import remove_if_there

_NAME = re.compile(r"or1-sandbox-(\d+)-(\d+)-\w+$")
_swept = threading.Event()


def make() -> str:
    """A new folder that others may pass through but not list; the first call sweeps what killed graders left."""
    if not _swept.is_set():
        _swept.set()
        sweep()
    folder = tempfile.mkdtemp(prefix=f"or1-sandbox-{_pid_namespace()}-{os.getpid()}-")
    Path(folder).chmod(0o711)
    return folder


def remove(folder: str) -> None:
    """Remove a worker's folder with whatever a killed keeper has left in it."""
    remove_if_there(folder)


def sweep() -> None:
    """Remove folders of this user whose grading process no longer runs (in this pid namespace; others are not ours to judge)."""
    for path in Path(tempfile.gettempdir()).glob("or1-sandbox-*"):
        match = _NAME.match(path.name)
        if match and int(match[1]) == _pid_namespace() and not Path(f"/proc/{match[2]}").exists() and _is_ours(path):
            remove(str(path))


def _is_ours(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def _pid_namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino
