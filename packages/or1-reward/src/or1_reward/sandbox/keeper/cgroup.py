"""cgroup v2 where a subtree is delegated to us: hard limits on memory and processes of a whole jail, and one kill for all.

A delegated subtree is a folder of the cgroup file system that this user may write, with the memory and pids controllers,
and without processes of its own (the kernel's rule): name it in OR1_SANDBOX_CGROUP, or start the grader in one.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_MIB = 1 << 20
_NEEDED = {"memory", "pids"}
_TEMPLATE_MB = 64
_PATIENCE_S = 2.0


class NoCgroupError(Exception):
    """There is no delegated subtree; says why."""


def delegated_folder(named: str, *, root: str = "/sys/fs/cgroup", membership: str = "/proc/self/cgroup") -> Path:
    """The folder below which jails get cgroups: the named one, else the one this process is in.

    Raises:
        NoCgroupError: not version 2, not writable, controllers missing, or occupied.
    """
    folder = Path(named) if named else _own_folder(Path(root), Path(membership))
    try:
        controllers = set((folder / "cgroup.controllers").read_text().split())
        if not controllers >= _NEEDED:
            raise NoCgroupError(f"{folder} lacks the controllers {', '.join(sorted(_NEEDED - controllers))}")
        (folder / "cgroup.subtree_control").write_text("+memory +pids")
        probe = folder / f"or1-probe-{os.getpid()}"
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise NoCgroupError(f"{folder} is not delegated to us ({error.strerror})") from error
    return folder


def _own_folder(root: Path, membership: Path) -> Path:
    lines = membership.read_text().splitlines()
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)
    if own is None or not (root / "cgroup.controllers").exists():
        raise NoCgroupError("cgroup version 2 is not mounted at /sys/fs/cgroup")
    return root / own.strip("/")


class Cgroup:
    """The cgroup of one jail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, pid: int) -> None:
        """Put a process in; its children follow."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def limit(self, memory_mb: int, processes: int) -> None:
        """Hard limits for the next test, with room for the template."""
        (self.folder / "memory.max").write_text(str((memory_mb + _TEMPLATE_MB) * _MIB))
        (self.folder / "pids.max").write_text(str(processes))
        swap = self.folder / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")

    def kills(self) -> int:
        """How many processes the kernel has killed here for their memory."""
        words = (self.folder / "memory.events").read_text().split()
        return int(dict(zip(words[::2], words[1::2], strict=False)).get("oom_kill", 0))

    def remove(self) -> None:
        """Kill what is left and remove the cgroup."""
        remove(self.folder)


def remove(folder: Path) -> None:
    """Kill every process of a cgroup and remove it; the kernel takes a moment to bury them."""
    kill = folder / "cgroup.kill"
    if kill.exists():
        kill.write_text("1")
    deadline_s = time.monotonic() + _PATIENCE_S
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.01)
