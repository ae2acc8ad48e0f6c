"""Run a command as a container does: below the refusals of Docker's default seccomp profile, without CAP_SYS_ADMIN.

    python container.py COMMAND...

What the profile (moby, profiles/seccomp/default.json) answers with EPERM to a process that lacks CAP_SYS_ADMIN, and
ENOSYS for clone3. Numbers are those of x86_64. Root keeps the capabilities that Docker leaves it, and no other.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

REFUSED = {
    "unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "move_mount": 429, "open_tree": 428,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "bpf": 321, "perf_event_open": 298,
    "keyctl": 250, "add_key": 248, "request_key": 249, "userfaultfd": 323, "quotactl": 179, "sethostname": 170,
    "setdomainname": 171, "syslog": 103, "swapon": 167, "swapoff": 168, "kexec_load": 246, "init_module": 175, "reboot": 169,
    "open_by_handle_at": 304, "name_to_handle_at": 303, "fanotify_init": 300, "io_uring_setup": 425, "io_uring_enter": 426,
    "clone with a namespace": 56, "clone3": 435,
}  # fmt: skip
ANY_NAMESPACE = 0x7E020000
KEPT = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)  # chown, dac_override, fowner, ... setfcap
LOAD, EQUAL, AND, ANSWER = 0x20, 0x15, 0x54, 0x06
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026


def program() -> bytes:
    """The instructions."""
    code = [(LOAD, 0, 0, 0)]
    for name, number in REFUSED.items():
        if name == "clone with a namespace":
            code += [(EQUAL, 0, 5, number), (LOAD, 0, 0, 16), (AND, 0, 0, ANY_NAMESPACE), (EQUAL, 1, 0, 0)]
            code += [(ANSWER, 0, 0, EPERM), (ANSWER, 0, 0, ALLOW)]
        else:
            code += [(EQUAL, 0, 1, number), (ANSWER, 0, 0, ENOSYS if name == "clone3" else EPERM)]
    code.append((ANSWER, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", op, yes, no, k) for op, yes, no, k in code)


def enter() -> None:
    """Lose the capabilities, then put the filter in force."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        if capability not in KEPT and os.geteuid() == 0:
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; in force from the next exec on
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS, as `--security-opt no-new-privileges`
    code = program()
    keep = ctypes.create_string_buffer(code, len(code))

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    filter_ = Filter(len(code) // 8, ctypes.addressof(keep))
    assert libc.prctl(22, ctypes.c_ulong(2), ctypes.c_ulong(ctypes.addressof(filter_)), 0, 0) == 0


if __name__ == "__main__":
    enter()
    os.execvp(sys.argv[1], sys.argv[1:])
