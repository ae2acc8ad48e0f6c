"""An empty read-only root: the interpreter's files, four devices, one small writable tmpfs, nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from . import linux

DEVICES = ("null", "zero", "random", "urandom")
WRITABLE = "/tmp"  # noqa: S108 - inside the jail: a tmpfs of its own
_MAX_INODES = 4096


def enter(read_only: Sequence[str], disk_mb: int) -> None:
    """Build the root in a private mount namespace and pivot into it. OSError names the step that the host refuses."""
    linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    sources = {path: os.open(path, os.O_PATH) for path in read_only}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in DEVICES}
    base = _mount_point()
    linux.mount("tmpfs", base, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    for path, fd in sources.items():
        _bind(fd, base + path, is_dir=Path(path).is_dir() if not path.startswith(base) else _is_dir(fd))
        linux.make_read_only(base + path)
    for name, fd in devices.items():
        _bind(fd, f"{base}/dev/{name}", is_dir=False)
    for fd in (*sources.values(), *devices.values()):
        os.close(fd)
    _writable(base, disk_mb)
    os.chdir(base)
    linux.pivot_root_here()
    linux.mount("", "/", "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)


def _mount_point() -> str:
    return next(path for path in ("/tmp", "/run", "/mnt", "/var", "/usr") if Path(path).is_dir())  # noqa: S108


def _is_dir(fd: int) -> bool:
    return os.stat(fd).st_mode & 0o170000 == 0o040000


def _bind(fd: int, target: str, *, is_dir: bool) -> None:
    place = Path(target)
    (place if is_dir else place.parent).mkdir(parents=True, exist_ok=True, mode=0o755)
    if not is_dir:
        place.touch()
    linux.mount(f"/proc/self/fd/{fd}", target, "", linux.MS_BIND | linux.MS_REC)


def _writable(base: str, disk_mb: int) -> None:
    target = Path(base + WRITABLE)
    target.mkdir()
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("tmpfs", str(target), "tmpfs", flags, f"size={disk_mb}m,nr_inodes={_MAX_INODES},mode=1777")
    Path(f"{base}/dev/shm").symlink_to(WRITABLE)
    Path(f"{base}/dev/stdin").symlink_to(f"{WRITABLE}/.stdin")
