"""The names of the isolation layers, what each one is for, and which are demanded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

IN_FORCE: Final = "in force"
NOT_NEEDED: Final = "not needed"

PURPOSE: Final[dict[str, str]] = {
    "user_namespace": "an ordinary user can build the other namespaces; accounts in the jail have no rights outside",
    "uid_drop": "as root: the jail runs under an account of its own, and process limits hold",
    "pid_namespace": "sees and signals no process of the host; everything in it dies with one kill",
    "mount_namespace": "an empty read-only root: the interpreter, three devices, a small tmpfs",
    "net_namespace": "no network interface at all, no abstract sockets",
    "ipc_namespace": "no shared memory, semaphores or queues with the host",
    "uts_namespace": "a host name of its own",
    "no_new_privs": "no setuid program can give privileges back",
    "landlock": "the kernel refuses every path outside of the lists",
    "seccomp": "no sockets, no exec, no ptrace, no mounts, no kernel interfaces that grading does not need",
    "cgroup": "hard limits on memory and processes of the whole tree",
    "rlimits": "address space, CPU time, file size, descriptors, processes, core dumps",
}

WITHOUT: Final[dict[str, str]] = {
    "user_namespace": "an ordinary user gets none of the other namespaces",
    "uid_drop": "as root only: programs run as root inside what is left, and RLIMIT_NPROC has no effect",
    "pid_namespace": "programs may not start processes at all (threads only); signals are filtered by seccomp",
    "mount_namespace": "Landlock alone hides the files; scratch space is a folder on disk, watched for its size",
    "net_namespace": "seccomp alone refuses sockets",
    "ipc_namespace": "seccomp alone refuses System V and POSIX objects",
    "uts_namespace": "the host's name can be read",
    "no_new_privs": "Landlock and seccomp cannot be used by an ordinary user",
    "landlock": "only the private root, if there is one, hides the files",
    "seccomp": "the kernel's whole interface is in reach of the program",
    "cgroup": "memory of process trees is watched every 30 ms instead of capped by the kernel",
    "rlimits": "nothing bounds a single process",
}

SAFE_MINIMUM: Final = ("no_new_privs", "seccomp", "rlimits")


class SandboxError(RuntimeError):
    """The sandbox cannot run here as asked; the message says which layer is missing, why, and what to do."""


def is_in_force(layers: Mapping[str, str], name: str) -> bool:
    """Whether a jail reported this layer as active."""
    return layers.get(name, "").startswith(IN_FORCE)


def is_satisfied(layers: Mapping[str, str], name: str) -> bool:
    """Whether a demand for this layer is met: active, or without object here (an ordinary user has no root to drop)."""
    return layers.get(name, "").startswith((IN_FORCE, NOT_NEEDED))


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names, if all are layers; ValueError naming those that are not."""
    asked = tuple(names)
    unknown = [name for name in asked if name not in PURPOSE]
    if unknown:
        raise ValueError(f"unknown sandbox layers {unknown}; the layers are {', '.join(PURPOSE)}")
    return asked


def demand(layers: Mapping[str, str], required: Iterable[str]) -> None:
    """Refuse to go on without the required layers, and without any that hides files.

    Raises:
        SandboxError: naming every missing layer with the reason the kernel gave.
    """
    missing = [name for name in dict.fromkeys((*SAFE_MINIMUM, *required)) if not is_satisfied(layers, name)]
    if not (is_in_force(layers, "mount_namespace") or is_in_force(layers, "landlock")):
        missing.append("mount_namespace or landlock")
    if missing:
        why = "; ".join(f"{name}: {layers.get(name, 'not in force').removeprefix('missing: ')}" for name in missing)
        raise SandboxError(f"the sandbox lacks required layers on this host ({why}); see `or1-reward doctor`")
