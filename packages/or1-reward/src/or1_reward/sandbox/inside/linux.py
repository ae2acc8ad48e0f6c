"""The few Linux calls that Python 3.11 does not wrap, through ctypes; each raises OSError with its name."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_SET_SECUREBITS = 22, 38, 28
SECUREBITS_LOCKED = 0b11101111  # noroot, no setuid fix-up, no keep-caps, no ambient raise: each with its lock

_libc = ctypes.CDLL(None, use_errno=True)
_python = ctypes.PyDLL(None, use_errno=True)  # calls through this one keep the interpreter's lock
_MACHINE = os.uname().machine
_AT_RECURSIVE = 0x8000
_SYSCALLS = {
    "x86_64": {"pivot_root": 155, "mount_setattr": 442, "capset": 126},
    "aarch64": {"pivot_root": 41, "mount_setattr": 442, "capset": 91},
}


def syscall(name: str, number: int, *args: object) -> int:
    """Make a raw system call; raise OSError naming it when it fails."""
    result = int(_libc.syscall(ctypes.c_long(number), *args))
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{name}: {os.strerror(errno)}")
    return result


def _checked(name: str, result: int) -> None:
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{name}: {os.strerror(errno)}")


def unshare(flags: int) -> None:
    """Leave the shared namespaces named by `flags`."""
    _checked("unshare", _libc.unshare(ctypes.c_int(flags)))


def fork() -> int:
    """fork(2) without Python's own fork handlers, which take as long as the fork itself (0.3 ms, mostly threading's).

    Only for a process of one thread that holds no lock: there is nothing for the handlers to repair.
    """
    pid = int(_python.fork())
    if pid < 0:
        raise OSError(ctypes.get_errno(), f"fork: {os.strerror(ctypes.get_errno())}")
    return pid


def mount(source: str, target: str, fstype: str, flags: int, data: str = "") -> None:
    """mount(2)."""
    arguments = (source.encode(), target.encode(), fstype.encode(), ctypes.c_ulong(flags), data.encode() or None)
    _checked(f"mount {fstype or 'bind'} on {target}", _libc.mount(*arguments))


def make_read_only(target: str) -> None:
    """Make a bind mount and all below it read-only, without devices or setuid."""

    class MountAttr(ctypes.Structure):
        _fields_ = (
            ("set", ctypes.c_uint64),
            ("clr", ctypes.c_uint64),
            ("prop", ctypes.c_uint64),
            ("ns", ctypes.c_uint64),
        )

    attr = MountAttr(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, 0)
    number = _SYSCALLS[_MACHINE]["mount_setattr"]
    path = target.encode()
    try:
        syscall("mount_setattr", number, -100, path, _AT_RECURSIVE, ctypes.byref(attr), ctypes.sizeof(attr))
    except OSError:  # before Linux 5.12: only the mount itself, keeping flags the host has locked
        kept = os.statvfs(target).f_flag & (MS_NOEXEC | MS_NODEV | MS_NOSUID)
        mount("", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | kept)


def pivot_root_here() -> None:
    """Make the current directory (a mount point) the root and let go of the old one."""
    syscall("pivot_root", _SYSCALLS[_MACHINE]["pivot_root"], b".", b".")
    _checked("umount2 old root", _libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


def prctl(option: int, value: int = 0) -> None:
    """prctl(2) with one argument."""
    zero = ctypes.c_ulong(0)
    _checked(f"prctl {option}", _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero))


def drop_capabilities() -> None:
    """Empty every capability set of this thread, for good."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # past the last capability, or no CAP_SETPCAP because there is nothing to drop
            break
    try:
        prctl(PR_SET_SECUREBITS, SECUREBITS_LOCKED)
    except OSError:
        pass  # needs CAP_SETPCAP; without it there was no capability to begin with
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    empty = (ctypes.c_uint32 * 6)()
    syscall("capset", _SYSCALLS[_MACHINE]["capset"], ctypes.byref(header), ctypes.byref(empty))


def die_with_parent(parent_pid: int) -> None:
    """Get SIGKILL when the parent dies, also if it died just before this call (0.

    Parent outside of our pid namespace).
    """
    prctl(PR_SET_PDEATHSIG, 9)
    if os.getppid() != parent_pid:
        os._exit(3)
