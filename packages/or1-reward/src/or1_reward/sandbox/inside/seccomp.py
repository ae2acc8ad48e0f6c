"""A seccomp filter written by hand: system calls that no graded program needs answer EPERM.

A deny list on purpose: honest programs and C libraries of every version go on working, while new kernel interfaces
are out of reach anyway for a process without capabilities, files, network or the right to execute.
"""

from __future__ import annotations

import ctypes
import os
import struct

from . import linux

_LD, _JEQ, _JGE, _AND, _RET = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_NR, _ARCH, _ARG0_LOW, _ARG1_LOW = 0, 4, 16, 24
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000
_CLONE_THREAD = 0x00010000
_CLONE_ANY_NAMESPACE = 0x7E020080
_CLONE_UNTRACED_OR_PARENT = 0x00808000

# name: (x86_64, aarch64); None where the architecture has no such call
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "execve": (59, 221), "execveat": (322, 281), "uselib": (134, None),
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "unshare": (272, 97), "setns": (308, 268), "mknod": (133, None), "mknodat": (259, 33),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262), "quotactl": (179, 60),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "personality": (135, 92), "syslog": (103, 116),
    "vhangup": (153, 58), "sethostname": (170, 161), "setdomainname": (171, 162), "lookup_dcookie": (212, 18),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "mbind": (237, 235), "set_mempolicy": (238, 237),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274), "setpriority": (141, 140),
    "ioprio_set": (251, 30), "sched_setaffinity": (203, 122),
}  # fmt: skip
_NEW_PROCESS = {"fork": (57, None), "vfork": (58, None)}
_SIGNALS = {"kill": (62, 129), "tgkill": (234, 131)}
_QUEUED_SIGNALS = {"tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)}
_CLONE, _CLONE3, _PRLIMIT64, _SOCKETPAIR = (56, 220), (435, 435), (302, 261), (53, 199)


def _op(code: int, k: int, jt: int = 0, jf: int = 0) -> bytes:
    return struct.pack("HBBI", code, jt, jf, k)


def _deny(number: int, errno: int = _EPERM) -> bytes:
    return _op(_JEQ, number, 0, 1) + _op(_RET, _ERRNO | errno)


def _only_if(number: int, argument: int, mask: int, wanted: int) -> bytes:
    """For call `number`: allow when `argument & mask == wanted`, else EPERM; every other call falls through."""
    return (
        _op(_JEQ, number, 0, 5)
        + _op(_LD, argument)
        + _op(_AND, mask)
        + _op(_JEQ, wanted, 0, 1)
        + _op(_RET, _ALLOW)
        + _op(_RET, _ERRNO | _EPERM)
    )


def program(machine: str) -> bytes:
    """The BPF instructions for the template and every test."""
    column = 0 if machine == "x86_64" else 1
    code = _op(_LD, _ARCH) + _op(_JEQ, _AUDIT_ARCH[machine], 1, 0) + _op(_RET, _KILL) + _op(_LD, _NR)
    if machine == "x86_64":
        code += _op(_JGE, _X32_BIT, 0, 1) + _op(_RET, _ERRNO | _ENOSYS)
    code += b"".join(_deny(number) for both in _DENIED.values() if (number := both[column]) is not None)
    code += _deny(_CLONE3[column], _ENOSYS)  # its flags are behind a pointer; the C library then uses clone
    code += _only_if(_CLONE[column], _ARG0_LOW, _CLONE_ANY_NAMESPACE | _CLONE_UNTRACED_OR_PARENT, 0)
    code += _only_if(_PRLIMIT64[column], _ARG0_LOW, 0xFFFFFFFF, 0)
    code += _only_if(_SOCKETPAIR[column], _ARG1_LOW, 0xF, 1)
    return code + _op(_RET, _ALLOW)


def lone_process_program(machine: str, pid: int) -> bytes:
    """Further instructions for one test where no pid namespace holds it, or no limit on processes binds.

    Threads are allowed, processes are not, and signals reach nobody but process `pid` itself.
    """
    column = 0 if machine == "x86_64" else 1
    code = _op(_LD, _NR)
    denied = (*_QUEUED_SIGNALS.values(), *_NEW_PROCESS.values())
    code += b"".join(_deny(number) for both in denied if (number := both[column]) is not None)
    code += b"".join(_only_if(both[column], _ARG0_LOW, 0xFFFFFFFF, pid) for both in _SIGNALS.values())
    code += _only_if(_CLONE[column], _ARG0_LOW, _CLONE_THREAD, _CLONE_THREAD)
    return code + _op(_RET, _ALLOW)


def install(code: bytes) -> None:
    """Put the filter in force for this process and all its children. Needs no_new_privs."""

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    keep = ctypes.create_string_buffer(code, len(code))
    filter_ = Filter(len(code) // 8, ctypes.cast(keep, ctypes.c_char_p))
    address = ctypes.addressof(filter_)
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_ulong(2), ctypes.c_ulong(address), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if libc.prctl(ctypes.c_int(linux.PR_SET_SECCOMP), *arguments) != 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
