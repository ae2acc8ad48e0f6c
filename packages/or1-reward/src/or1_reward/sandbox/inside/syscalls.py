"""System call numbers (x86_64, aarch64) that the filters name; None where an architecture has no such call.

From the kernel's `unistd_64.h` and `asm-generic/unistd.h`; a test compares them with the headers of the machine.
"""

from __future__ import annotations

from typing import Final

Numbers = dict[str, tuple[int | None, int | None]]
Pair = tuple[int, int]

# No graded program needs these.
DENIED: Final[Numbers] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "execve": (59, 221), "execveat": (322, 281), "uselib": (134, None),
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "statmount": (457, 457), "listmount": (458, 458),
    "unshare": (272, 97), "setns": (308, 268), "mknod": (133, None), "mknodat": (259, 33),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "fanotify_init": (300, 262), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "inotify_init": (253, None), "inotify_init1": (294, 26),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "io_setup": (206, 0), "io_submit": (209, 2),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "vmsplice": (278, 75),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "timer_create": (222, 107), "remap_file_pages": (216, 234),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "personality": (135, 92), "syslog": (103, 116),
    "vhangup": (153, 58), "sethostname": (170, 161), "setdomainname": (171, 162), "lookup_dcookie": (212, 18),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "mbind": (237, 235), "set_mempolicy": (238, 237),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274), "setpriority": (141, 140),
    "ioprio_set": (251, 30), "sched_setaffinity": (203, 122), "sync": (162, 81), "syncfs": (306, 267),
}  # fmt: skip

# Without a private root Landlock hides what files hold, but knows nothing of their metadata (nor, before ABI 3, of
# truncation), and an ordinary user's program owns the user's files.
METADATA: Final[Numbers] = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "truncate": (76, 45), "file_setattr": (469, 469),
}  # fmt: skip

NEW_PROCESS: Final[Numbers] = {"fork": (57, None), "vfork": (58, None)}
OPEN: Final[Numbers] = {"open": (2, None), "openat": (257, 56)}
OPENAT2: Final[Pair] = (437, 437)
CLONE: Final[Pair] = (56, 220)
CLONE3: Final[Pair] = (435, 435)
PRLIMIT64: Final[Pair] = (302, 261)
SETRLIMIT: Final[Pair] = (160, 164)
SOCKET: Final[Pair] = (41, 198)
SOCKETPAIR: Final[Pair] = (53, 199)
MMAP: Final[Pair] = (9, 222)
FCNTL: Final[Pair] = (72, 25)
IOCTL: Final[Pair] = (16, 29)
SETSOCKOPT: Final[Pair] = (54, 208)
RT_SIGACTION: Final[Pair] = (13, 134)
KILL: Final[Pair] = (62, 129)
TGKILL: Final[Pair] = (234, 131)
TKILL: Final[Pair] = (200, 130)
RT_SIGQUEUEINFO: Final[Pair] = (129, 138)
RT_TGSIGQUEUEINFO: Final[Pair] = (297, 240)
GETPPID: Final[Pair] = (110, 173)
FIRST_UNKNOWN: Final = 470  # newer calls than these tables were checked for
