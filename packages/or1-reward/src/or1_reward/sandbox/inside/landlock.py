"""Landlock: the kernel refuses every path outside of the lists, TCP, and signals or abstract sockets to outsiders."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Sequence

from . import linux

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ_ONLY = _READ_FILE | _READ_DIR
_NO_DEVICES = ~(1 << 6 | 1 << 11)  # make_char, make_block
_MAKE_SOCKET, _MAKE_FIFO = 1 << 9, 1 << 10


class _RulesetAttr(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def abi() -> int:
    """The Landlock version of this kernel; OSError when it has none."""
    return linux.syscall("landlock_create_ruleset", _CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))


def _handled_fs(version: int) -> int:
    rights = (1 << 13) - 1
    rights |= 1 << 13 if version >= 2 else 0  # refer
    rights |= _TRUNCATE if version >= 3 else 0
    rights |= 1 << 15 if version >= 5 else 0  # ioctl on devices
    return rights


def _allow(ruleset: int, path: str, rights: int) -> None:
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= _FILE_RIGHTS
        rule = _PathBeneath(rights, fd)
        linux.syscall("landlock_add_rule", _ADD_RULE, ruleset, 1, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(fd)


def _allow_reading(ruleset: int, path: str, hidden: Sequence[str], rights: int = _READ_ONLY) -> None:
    """Rights reach down, so around a hidden folder each neighbor gets its own."""
    if path in hidden:
        return
    if not any(folder.startswith(f"{path}/") for folder in hidden):
        _allow(ruleset, path, rights)
        return
    _allow(ruleset, path, _READ_DIR)
    for name in os.listdir(path):
        if not os.path.islink(f"{path}/{name}"):
            _allow_reading(ruleset, f"{path}/{name}", hidden, rights)


def restrict(
    read_only: Sequence[str],
    read_write: Sequence[str],
    hidden: Sequence[str] = (),
    executable: Sequence[str] = (),
    *,
    sockets: bool = False,
) -> int:
    """Confine this process for good; returns the version in force. Needs no_new_privs.

    Files below those of `read_only` that are `executable` too may be executed, all others not. `sockets` may be made in
    the writable folders.

    No file below a `hidden` folder can be read, though it lies below one of `read_only`; names can be listed.
    """
    version = abi()
    handled = _handled_fs(version)
    attr = _RulesetAttr(handled, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    fd = linux.syscall(
        "landlock_create_ruleset", _CREATE, ctypes.byref(attr), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    for path in read_only:
        _allow_reading(fd, path, hidden, _READ_ONLY | _EXECUTE if path in executable else _READ_ONLY)
    for path in read_write:
        special = _MAKE_FIFO if sockets else _MAKE_SOCKET | _MAKE_FIFO
        _allow(fd, path, handled & _NO_DEVICES & ~special & ~_EXECUTE)
    linux.syscall("landlock_restrict_self", _RESTRICT, fd, ctypes.c_uint32(0))
    os.close(fd)
    return version
