"""Seccomp filters written by hand: system calls that no graded program needs answer EPERM.

A deny list on purpose: honest programs and C libraries of every version go on working. Calls newer than the tables do
not exist (ENOSYS). No program can end itself by SIGKILL, so a death by it comes from outside and is the grader's failure.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from . import linux
from . import syscalls as calls

_LD, _JUMP, _JEQ, _JGE, _AND, _RET = 0x20, 0x05, 0x15, 0x35, 0x54, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_NR, _ARCH, _ARGUMENTS, _HIGH = 0, 4, 16, 4
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES_PARENT_UNTRACED = 0x7E820080 | 0x00008000
_EXIT_SIGNAL, _SIGCHLD, _SIGKILL = 0xFF, 17, 9
_RLIMIT_CPU = 0
_SHARED_OF_NO_FILE, _MAP_KIND = 0x21, 0x2F
_O_TRUNC_READ_ONLY, _O_TRUNC_AND_MODE = 0x200, 0x203
_SET_OWNER, _SET_SIGNAL, _SET_OWNER_EX, _SET_LEASE, _NOTIFY = 8, 10, 15, 1024, 1026
_FIOSETOWN, _SIOCSPGRP, _TIOCSTI, _TIOCLINUX = 0x8901, 0x8902, 0x5412, 0x541C
_FILE_SYSTEM_IOCTLS = (0x5800, 0x6600, 0x7600, 0x9400)  # FIFREEZE, FS_IOC_SETFLAGS, FS_IOC_GETVERSION, FICLONE, ...
_IOCTL_TYPE = 0xFF00
_SO_SNDBUF, _SO_RCVBUF, _SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 7, 8, 32, 33

_EXECUTING: Final = ("execve", "execveat")
_CONNECTING: Final = ("socket", "bind", "listen", "accept", "accept4", "connect")
_AF_UNIX = 1
_NONCE_ARGUMENT = 5

# Replaced by a random number that only the template knows, see `reserved`.
PASSWORD: Final = (0xA1A1A1A1, 0xB2B2B2B2, 0xC3C3C3C3, 0xD4D4D4D4)
PASSWORD_ARGUMENTS: Final = (4, 5)


def _op(code: int, k: int, jt: int = 0, jf: int = 0) -> bytes:
    return struct.pack("HBBI", code, jt, jf, k)


def _low(argument: int) -> int:
    return _ARGUMENTS + 8 * argument


def _deny(number: int, errno: int = _EPERM) -> bytes:
    return _op(_JEQ, number, 0, 1) + _op(_RET, _ERRNO | errno)


def _for_call(number: int, block: bytes) -> bytes:
    """`block` decides about call `number`, all others fall through."""
    return _op(_JEQ, number, 0, len(block) // 8) + block


def _only_if(number: int, argument: int, mask: int, wanted: int) -> bytes:
    """For call `number`: allow when `argument & mask == wanted`, else EPERM."""
    test = _op(_LD, _low(argument)) + _op(_AND, mask) + _op(_JEQ, wanted, 0, 1)
    return _for_call(number, test + _op(_RET, _ALLOW) + _op(_RET, _ERRNO | _EPERM))


def _never(number: int, argument: int, unwanted: Sequence[int], mask: int = 0xFFFFFFFF) -> bytes:
    """For call `number`: EPERM when `argument & mask` is one of `unwanted`, else allow."""
    tests = b"".join(_op(_JEQ, value, len(unwanted) - place) for place, value in enumerate(unwanted))
    load = _op(_LD, _low(argument)) + _op(_AND, mask)
    return _for_call(number, load + tests + _op(_RET, _ALLOW) + _op(_RET, _ERRNO | _EPERM))


def _ioctl(number: int) -> bytes:
    """No new owner of signals, no typing into terminals, nothing that changes a file system."""
    single = (_FIOSETOWN, _SIOCSPGRP, _TIOCSTI, _TIOCLINUX)
    tests = b"".join(
        _op(_JEQ, value, len(single) + len(_FILE_SYSTEM_IOCTLS) + 1 - place) for place, value in enumerate(single)
    )
    tests += _op(_AND, _IOCTL_TYPE)
    tests += b"".join(
        _op(_JEQ, value, len(_FILE_SYSTEM_IOCTLS) - place) for place, value in enumerate(_FILE_SYSTEM_IOCTLS)
    )
    return _for_call(number, _op(_LD, _low(1)) + tests + _op(_RET, _ALLOW) + _op(_RET, _ERRNO | _EPERM))


def _ignored_for(number: int, argument: int, value: int) -> bytes:
    """For call `number`: do nothing and succeed when the argument is `value`, else allow."""
    test = _op(_LD, _low(argument)) + _op(_JEQ, value, 0, 1) + _op(_RET, _ERRNO | 0)
    return _for_call(number, test + _op(_RET, _ALLOW))


def _clone(number: int) -> bytes:
    """No namespaces, no other parent, and no death that sends another signal than SIGCHLD."""
    flags = _op(_LD, _low(0))
    block = flags + _op(_AND, _CLONE_NAMESPACES_PARENT_UNTRACED) + _op(_JEQ, 0, 0, 4)
    block += flags + _op(_AND, _EXIT_SIGNAL) + _op(_JEQ, 0, 2) + _op(_JEQ, _SIGCHLD, 1)
    return _for_call(number, block + _op(_RET, _ERRNO | _EPERM) + _op(_RET, _ALLOW))


def _limits(prlimit64: int, setrlimit: int) -> bytes:
    """Own limits only, and not the CPU limit, whose end is SIGKILL: setting that one does nothing."""
    ignored = _op(_RET, _ERRNO | 0)
    block = _op(_LD, _low(0)) + _op(_JEQ, 0, 1) + _op(_RET, _ERRNO | _EPERM)
    block += _op(_LD, _low(1)) + _op(_JEQ, _RLIMIT_CPU, 1) + _op(_RET, _ALLOW)
    block += _op(_LD, _low(2)) + _op(_JEQ, 0, 0, 2) + _op(_LD, _low(2) + _HIGH) + _op(_JEQ, 0, 1)
    block += ignored + _op(_RET, _ALLOW)
    old = _op(_LD, _low(0)) + _op(_JEQ, _RLIMIT_CPU, 0, 1) + ignored + _op(_RET, _ALLOW)
    return _for_call(prlimit64, block) + _for_call(setrlimit, old)


def _with_password(numbers: Sequence[int]) -> bytes:
    """Allow these calls when their unused arguments hold the password."""
    words = [_low(argument) + half for argument in PASSWORD_ARGUMENTS for half in (0, _HIGH)]
    checks = b"".join(
        _op(_LD, place) + _op(_JEQ, word, 0, 2 * (len(words) - index) - 1)
        for index, (place, word) in enumerate(zip(words, PASSWORD, strict=True))
    )
    block = checks + _op(_RET, _ALLOW) + _op(_LD, _NR)
    chosen = b"".join(_op(_JEQ, number, len(numbers) - place) for place, number in enumerate(numbers))
    return chosen + _op(_JUMP, len(block) // 8) + block


def _numbers(table: calls.Numbers, column: int) -> Iterable[int]:
    return (number for both in table.values() if (number := both[column]) is not None)


def program(machine: str, *, may_execute: bool = False, local_sockets: bool = False) -> bytes:
    """The BPF instructions for the template and every test.

    `may_execute` is for the compiler. `local_sockets` allows Unix sockets (multiprocessing.Manager), where a network
    namespace and a private root leave nobody else to connect to.
    """
    column = 0 if machine == "x86_64" else 1
    code = _op(_LD, _ARCH) + _op(_JEQ, _AUDIT_ARCH[machine], 1, 0) + _op(_RET, _KILL) + _op(_LD, _NR)
    if machine == "x86_64":
        code += _op(_JGE, _X32_BIT, 0, 1) + _op(_RET, _ERRNO | _ENOSYS)
    code += _op(_JGE, calls.FIRST_UNKNOWN, 0, 1) + _op(_RET, _ERRNO | _ENOSYS)
    # memory that belongs to no file and to no process could be held without being seen (munmap keeps it)
    code += _never(calls.MMAP[column], 3, (_SHARED_OF_NO_FILE,), _MAP_KIND)
    code += _with_password((calls.KILL[column], calls.PRLIMIT64[column]))
    code += _never(calls.KILL[column], 1, (_SIGKILL,))
    code += b"".join(_never(both[column], 1, (_SIGKILL,)) for both in (calls.TKILL, calls.RT_SIGQUEUEINFO))
    code += b"".join(_never(both[column], 2, (_SIGKILL,)) for both in (calls.TGKILL, calls.RT_TGSIGQUEUEINFO))
    code += _never(calls.FCNTL[column], 1, (_SET_OWNER, _SET_SIGNAL, _SET_OWNER_EX, _SET_LEASE, _NOTIFY))
    code += _ioctl(calls.IOCTL[column])
    # queues of sockets are memory of the kernel, counted by their number at the size that they have by default
    code += _never(calls.SETSOCKOPT[column], 2, (_SO_SNDBUF, _SO_RCVBUF, _SO_SNDBUFFORCE, _SO_RCVBUFFORCE))
    # where SIGCHLD is ignored the kernel forgets the CPU time of children; like this they stay until they are counted
    code += _ignored_for(calls.RT_SIGACTION[column], 0, _SIGCHLD)
    code += _limits(calls.PRLIMIT64[column], calls.SETRLIMIT[column])
    allowed = (*(_EXECUTING if may_execute else ()), *(_CONNECTING if local_sockets else ()))
    denied = {name: both for name, both in calls.DENIED.items() if name not in allowed}
    code += _only_if(calls.SOCKET[column], 0, 0xFFFFFFFF, _AF_UNIX) if local_sockets else b""
    code += b"".join(_deny(number) for number in _numbers(denied, column))
    code += _deny(calls.CLONE3[column], _ENOSYS)  # its flags are behind a pointer; the C library then uses clone
    code += _clone(calls.CLONE[column])
    code += _only_if(calls.SOCKETPAIR[column], 1, 0xF, 1)
    return code + _op(_RET, _ALLOW)


def shared_files_program(machine: str) -> bytes:
    """Further instructions where there is no private root: the metadata of the host's files is out of reach."""
    column = 0 if machine == "x86_64" else 1
    code = _op(_LD, _NR)
    code += b"".join(_deny(number) for number in _numbers(calls.METADATA, column))
    code += _deny(calls.OPENAT2[column], _ENOSYS)  # its flags are behind a pointer
    for place, number in enumerate(both[column] for both in calls.OPEN.values()):
        if number is not None:  # before ABI 3 Landlock lets a file that may be read be truncated
            code += _never(number, place + 1, (_O_TRUNC_READ_ONLY,), _O_TRUNC_AND_MODE)
    return code + _op(_RET, _ALLOW)


def lone_process_program(machine: str, pid: int) -> bytes:
    """Further instructions for one test where no pid namespace holds it, or no limit on processes binds.

    Threads are allowed, processes are not, and signals reach nobody but process `pid` itself.
    """
    column = 0 if machine == "x86_64" else 1
    code = _op(_LD, _NR)
    code += b"".join(_deny(number) for number in _numbers(calls.NEW_PROCESS, column))
    code += b"".join(_deny(both[column]) for both in (calls.TKILL, calls.RT_SIGQUEUEINFO, calls.RT_TGSIGQUEUEINFO))
    code += b"".join(_only_if(both[column], 0, 0xFFFFFFFF, pid) for both in (calls.KILL, calls.TGKILL))
    code += _only_if(calls.CLONE[column], 0, _CLONE_THREAD, _CLONE_THREAD)
    return code + _op(_RET, _ALLOW)


def one_execution_program(machine: str, nonce: int) -> bytes:
    """Further instructions for a compiled program: the only one that is ever executed is the one called with `nonce`.

    The process that knows the number is replaced by that very call, and its memory with it.
    """
    column = 0 if machine == "x86_64" else 1
    execve, execveat = (calls.DENIED[name][column] for name in _EXECUTING)
    assert execve is not None
    assert execveat is not None
    place = _low(_NONCE_ARGUMENT)
    known = (
        _op(_LD, place) + _op(_JEQ, nonce & 0xFFFFFFFF, 0, 3) + _op(_LD, place + _HIGH) + _op(_JEQ, nonce >> 32, 0, 1)
    )
    block = known + _op(_RET, _ALLOW) + _op(_RET, _ERRNO | _EPERM)
    return _op(_LD, _NR) + _deny(execve) + _for_call(execveat, block) + _op(_RET, _ALLOW)


def install(code: bytes, password: int = 0) -> None:
    """Put the filter in force for this process and all its children. Needs no_new_privs.

    `password` is the address of 16 bytes that go where PASSWORD stands; no copy of them is left in memory.
    """

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    keep = ctypes.create_string_buffer(code, len(code))
    for place, word in enumerate(PASSWORD if password else ()):
        found = code.index(struct.pack("I", word))
        ctypes.memmove(ctypes.addressof(keep) + found, password + 4 * place, 4)
    filter_ = Filter(len(code) // 8, ctypes.cast(keep, ctypes.c_char_p))
    arguments = (ctypes.c_ulong(2), ctypes.c_ulong(ctypes.addressof(filter_)), ctypes.c_ulong(0), ctypes.c_ulong(0))
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.prctl(ctypes.c_int(linux.PR_SET_SECCOMP), *arguments)
    ctypes.memset(keep, 0, len(code))
    if result != 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
