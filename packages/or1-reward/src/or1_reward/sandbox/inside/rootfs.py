"""An empty read-only root: the interpreter's files, three devices, one small writable tmpfs, nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import linux

DEVICES = ("null", "random", "urandom")  # not zero: mapped as shared, it is memory that nobody counts
PACKAGES = "/packages"
_MAX_INODES = 4096


def writable_folder(read_only: Sequence[str]) -> str:
    """Where the small tmpfs goes: /tmp as programs expect, unless the interpreter itself lies below the host's /tmp."""
    return "/scratch" if any(path.startswith("/tmp/") for path in read_only) else "/tmp"


def enter(read_only: Sequence[str], packages: Mapping[str, str], hidden: Sequence[str], disk_mb: int) -> None:
    """Build the root in a private mount namespace and pivot into it; `packages` {file name: path} go to /packages.

    `hidden` folders below the read-only ones are covered by empty ones. OSError names the step that the host refuses.
    """
    linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    targets = {path: path for path in read_only} | {path: f"{PACKAGES}/{name}" for name, path in packages.items()}
    sources = {targets[path]: os.open(path, os.O_PATH) for path in targets}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in DEVICES}
    base = _mount_point()
    linux.mount("tmpfs", base, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    for target, fd in sources.items():
        _bind(fd, base + target, is_dir=_is_dir(fd))
        linux.make_read_only(base + target)
    for path in hidden:
        flags = linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
        linux.mount("tmpfs", base + path, "tmpfs", flags, "size=4k,mode=555")
    for name, fd in devices.items():
        _bind(fd, f"{base}/dev/{name}", is_dir=False)
    for fd in (*sources.values(), *devices.values()):
        os.close(fd)
    Path(base + PACKAGES).mkdir(exist_ok=True)
    _make_writable(base, writable_folder(read_only), disk_mb)
    os.chdir(base)
    linux.pivot_root_here()
    linux.mount("", "/", "", linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV)


def _mount_point() -> str:
    return next(path for path in ("/tmp", "/run", "/mnt", "/var", "/usr") if Path(path).is_dir())


def _is_dir(fd: int) -> bool:
    return os.stat(fd).st_mode & 0o170000 == 0o040000


def _bind(fd: int, target: str, *, is_dir: bool) -> None:
    place = Path(target)
    (place if is_dir else place.parent).mkdir(parents=True, exist_ok=True, mode=0o755)
    if not is_dir:
        place.touch()
    linux.mount(f"/proc/self/fd/{fd}", target, "", linux.MS_BIND | linux.MS_REC)


def _make_writable(base: str, folder: str, disk_mb: int) -> None:
    target = Path(base + folder)
    target.mkdir()
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("tmpfs", str(target), "tmpfs", flags, f"size={disk_mb}m,nr_inodes={_MAX_INODES},mode=1777")
    Path(f"{base}/dev/shm").symlink_to(folder)
