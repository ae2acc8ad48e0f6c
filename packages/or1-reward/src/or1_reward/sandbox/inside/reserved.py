"""Two calls that the filter refuses to programs and lets through for the template: SIGKILL, and another's CPU limit.

The filter tells the template apart by a random number in arguments that these calls do not have. It lives in one page
that the kernel wipes at every fork, so no program is born with it; it is never held by a Python object, and what a call
leaves of it on the stack is overwritten by the next.
"""

from __future__ import annotations

import ctypes
import os
import signal

from . import syscalls

_WIPE_ON_FORK = 18
_READ_WRITE, _PRIVATE_ANONYMOUS = 3, 0x22
_PAGE = 4096
_BYTES = 16
_RLIMIT_CPU = 0

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.getrandom.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]


class ReservedCalls:
    """Holds the password. `address` is where its 16 bytes lie, for `seccomp.install`."""

    def __init__(self) -> None:
        address = _libc.mmap(None, _PAGE, _READ_WRITE, _PRIVATE_ANONYMOUS, -1, 0)
        if address in (None, ctypes.c_void_p(-1).value):
            raise OSError(ctypes.get_errno(), "mmap of the password's page")
        if _libc.madvise(address, _PAGE, _WIPE_ON_FORK) != 0:
            raise OSError(ctypes.get_errno(), "MADV_WIPEONFORK, of Linux 4.14")
        if _libc.getrandom(address, _BYTES, 0) != _BYTES:
            raise OSError(ctypes.get_errno(), "getrandom")
        self.address: int = address
        self._words = (ctypes.c_ulong.from_address(address), ctypes.c_ulong.from_address(address + 8))
        self._column = 0 if os.uname().machine == "x86_64" else 1

    def kill(self, pid: int) -> None:
        """SIGKILL to a process, or to every other one with -1. ProcessLookupError when there is none."""
        self._call(syscalls.KILL[self._column], pid, int(signal.SIGKILL))

    def limit_cpu(self, pid: int, seconds: int) -> None:
        """SIGXCPU to process `pid` after so much CPU time, SIGKILL one second later."""
        limit = (ctypes.c_uint64 * 2)(seconds, seconds + 1)
        self._call(syscalls.PRLIMIT64[self._column], pid, _RLIMIT_CPU, ctypes.addressof(limit))

    def _call(self, number: int, *arguments: int) -> None:
        values = [ctypes.c_long(value) for value in (*arguments, *(0,) * (4 - len(arguments)))]
        result = _libc.syscall(ctypes.c_long(number), *values, *self._words)
        errno = ctypes.get_errno()
        nothing = [ctypes.c_long(0)] * 6
        _libc.syscall(ctypes.c_long(syscalls.GETPPID[self._column]), *nothing)
        if result != 0:
            raise OSError(errno, f"{os.strerror(errno)} (call {number})")
