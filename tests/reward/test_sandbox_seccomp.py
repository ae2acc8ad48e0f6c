"""The filters, against a small interpreter of the kernel's instructions and the numbers in the kernel's own headers."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from or1_reward.sandbox.inside import seccomp, syscalls

ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}
ALLOW, EPERM, ENOSYS, NOTHING_DONE, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x00050000, 0x80000000
SIGKILL, SIGTERM, HIGH = 9, 15, 1 << 40
PASSWORD = (seccomp.PASSWORD[0] | seccomp.PASSWORD[1] << 32, seccomp.PASSWORD[2] | seccomp.PASSWORD[3] << 32)


def decide(code: bytes, number: int, *arguments: int, arch: int) -> int:
    """What the kernel would answer: run the BPF program on struct seccomp_data."""
    values = [value & (1 << 64) - 1 for value in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *values)
    instructions = list(struct.iter_unpack("HBBI", code))
    accumulator, at = 0, 0
    while True:
        op, jump_true, jump_false, k = instructions[at]
        at += 1
        if op == 0x20:
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif op == 0x54:
            accumulator &= k
        elif op == 0x05:
            at += k
        elif op in {0x15, 0x35}:
            at += jump_true if (accumulator == k if op == 0x15 else accumulator >= k) else jump_false
        elif op == 0x06:
            return k
        else:
            raise AssertionError(f"unknown instruction {op:#x}")


def header_numbers(machine: str) -> dict[str, int]:
    """System call numbers as the kernel's headers have them: the source that the tables are held against."""
    path = next((Path(name) for name in HEADERS[machine] if Path(name).exists()), None)
    if path is None:
        pytest.skip(f"no kernel header with the numbers of {machine}")
    return {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", path.read_text())}


def tabled() -> dict[str, tuple[int | None, int | None]]:
    """Every number in our tables by name."""
    found = {**syscalls.DENIED, **syscalls.METADATA, **syscalls.NEW_PROCESS, **syscalls.OPEN}
    singles = {name.lower(): value for name, value in vars(syscalls).items() if isinstance(value, tuple)}
    return found | singles


@pytest.mark.parametrize("machine", ARCH)
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    numbers, column = header_numbers(machine), list(ARCH).index(machine)
    checked = 0
    for name, both in tabled().items():
        if name in numbers:
            assert both[column] == numbers[name], name
            checked += 1
        elif machine == "aarch64" and both[column] is not None:
            assert both[column] >= 430, f"{name} is not in the header"  # newer than it
    assert checked > 80


RULES = [
    ("read", (0,), ALLOW), ("write", (1,), ALLOW), ("exit_group", (0,), ALLOW), ("futex", (), ALLOW),
    ("getpid", (), ALLOW),
    ("socket", (1,), EPERM), ("execve", (), EPERM), ("ptrace", (), EPERM), ("io_uring_setup", (), EPERM),
    ("setns", (), EPERM),
    ("clone3", (), ENOSYS),
    ("clone", (0x3D0F00,), ALLOW), ("clone", (17,), ALLOW), ("clone", (17 | 0x4000 | 0x100,), ALLOW),
    *[("clone", (17 | flag | high,), EPERM) for high in (0, HIGH) for flag in
      (0x80, 0x8000, 0x20000, 0x800000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)],
    ("clone", (SIGKILL,), EPERM), ("clone", (SIGTERM,), EPERM),
    ("kill", (5, SIGTERM), ALLOW), ("kill", (5, 0), ALLOW), ("kill", (5, SIGKILL), EPERM),
    ("kill", (-1, SIGKILL), EPERM),
    ("kill", (5, SIGKILL | HIGH), EPERM), ("kill", (-1, SIGKILL, 0, 0, *PASSWORD), ALLOW),
    ("kill", (-1, SIGKILL, 0, 0, PASSWORD[0], 0), EPERM),
    ("kill", (-1, SIGKILL, 0, 0, PASSWORD[0] & 0xFFFFFFFF, PASSWORD[1]), EPERM),
    ("tgkill", (5, 5, SIGKILL), EPERM), ("tgkill", (5, 5, SIGTERM), ALLOW), ("tkill", (5, SIGKILL), EPERM),
    ("rt_sigqueueinfo", (5, SIGKILL), EPERM), ("rt_tgsigqueueinfo", (5, 5, SIGKILL), EPERM),
    ("timer_create", (), EPERM),
    ("fcntl", (3, 1), ALLOW), ("fcntl", (3, 4), ALLOW),
    *[("fcntl", (3, command), EPERM) for command in (8, 10, 15, 1024, 1026)],
    ("ioctl", (0, 0x5401), ALLOW), *[("ioctl", (0, command), EPERM) for command in (0x5412, 0x8901, 0x8902)],
    *[("ioctl", (0, command), EPERM) for command in
      (0x40086602, 0x401C5820, 0xC0045877, 0x80086601, 0x40049409, 0x80087601, 0x8901 | HIGH)],
    *[("ioctl", (0, command), ALLOW) for command in (0x5413, 0x5421, 0x5451, 0x541B)],
    *[("setsockopt", (3, 1, option), EPERM) for option in (7, 8, 32, 33)], ("setsockopt", (3, 1, 2), ALLOW),
    ("rt_sigaction", (17, 1), NOTHING_DONE), ("rt_sigaction", (SIGTERM, 1), ALLOW),
    ("sync", (), EPERM), ("syncfs", (3,), EPERM),
    ("mmap", (0, 4096, 3, 0x22), ALLOW), ("mmap", (0, 4096, 3, 0x01), ALLOW), ("mmap", (0, 4096, 3, 0x21), EPERM),
    ("mmap", (0, 4096, 3, 0x4021), EPERM),
    ("prlimit64", (0, 3, 1), ALLOW), ("prlimit64", (7, 3, 1), EPERM), ("prlimit64", (0, 0, 0), ALLOW),
    ("prlimit64", (0, 0, 1), NOTHING_DONE),
    ("prlimit64", (0, 0, HIGH), NOTHING_DONE), ("prlimit64", (7, 0, 1, 0, *PASSWORD), ALLOW),
    ("setrlimit", (0, 1), NOTHING_DONE), ("setrlimit", (3, 1), ALLOW),
    ("socketpair", (1, 1), ALLOW), ("socketpair", (1, 2), EPERM), ("socketpair", (1, 1 | 0o2000000), ALLOW),
]  # fmt: skip


@pytest.mark.parametrize("machine", ARCH)
def test_the_filter_decides_as_meant(machine: str) -> None:
    code, numbers = seccomp.program(machine), header_numbers(machine)
    for name, arguments, wanted in RULES:
        assert decide(code, numbers[name], *arguments, arch=ARCH[machine]) == wanted, (name, arguments)
    for name, both in syscalls.DENIED.items():
        number = both[list(ARCH).index(machine)]
        assert number is None or decide(code, number, arch=ARCH[machine]) == EPERM, name
    assert decide(code, 1000, arch=ARCH[machine]) == ENOSYS
    assert decide(code, 0, arch=0x40000003) == KILL
    assert decide(code, 0, arch=next(arch for name, arch in ARCH.items() if name != machine)) == KILL


@pytest.mark.parametrize("machine", ARCH)
def test_the_filter_of_the_compiler_and_of_local_sockets(machine: str) -> None:
    numbers, arch = header_numbers(machine), ARCH[machine]
    compiler = seccomp.program(machine, may_execute=True)
    assert decide(compiler, numbers["execve"], arch=arch) == ALLOW
    assert decide(compiler, numbers["socket"], 1, arch=arch) == EPERM
    assert decide(compiler, numbers["ptrace"], arch=arch) == EPERM
    local = seccomp.program(machine, local_sockets=True)
    assert decide(local, numbers["execve"], arch=arch) == EPERM
    for family, wanted in ((1, ALLOW), (2, EPERM), (10, EPERM), (16, EPERM), (17, EPERM), (1 | HIGH, ALLOW)):
        assert decide(local, numbers["socket"], family, arch=arch) == wanted
    for name in ("bind", "listen", "accept4", "connect"):
        assert decide(local, numbers[name], arch=arch) == ALLOW


@pytest.mark.parametrize("machine", ARCH)
def test_one_execution_and_no_other(machine: str) -> None:
    numbers, arch, nonce = header_numbers(machine), ARCH[machine], 0x1234_5678_9ABC_DEF0
    code = seccomp.one_execution_program(machine, nonce)
    assert decide(code, numbers["execveat"], 3, 0, 0, 0, 0x1000, nonce, arch=arch) == ALLOW
    for wrong in (0, nonce ^ 1, nonce ^ 1 << 40, nonce & 0xFFFFFFFF, nonce >> 32):
        assert decide(code, numbers["execveat"], 3, 0, 0, 0, 0x1000, wrong, arch=arch) == EPERM
    assert decide(code, numbers["execve"], 0, 0, 0, 0, 0, nonce, arch=arch) == EPERM
    assert decide(code, numbers["read"], arch=arch) == ALLOW


def test_the_x32_variants_of_calls_do_not_exist() -> None:
    code = seccomp.program("x86_64")
    assert all(decide(code, 0x40000000 + number, arch=ARCH["x86_64"]) == ENOSYS for number in (0, 41, 59, 520))


@pytest.mark.parametrize("machine", ARCH)
def test_the_filter_of_a_lone_process(machine: str) -> None:
    code, numbers = seccomp.lone_process_program(machine, 4242), header_numbers(machine)

    def answer(name: str, *arguments: int) -> int:
        return decide(code, numbers[name], *arguments, arch=ARCH[machine])

    assert answer("kill", 4242, SIGTERM) == answer("clone", 0x3D0F00) == answer("write") == ALLOW
    for target in (1, 0, -1, -4242, 4243):
        assert answer("kill", target) == answer("tgkill", target) == EPERM
    assert answer("clone", 17) == answer("tkill") == answer("rt_sigqueueinfo") == EPERM
    assert machine != "x86_64" or answer("fork") == answer("vfork") == EPERM


@pytest.mark.parametrize("machine", ARCH)
def test_the_filter_beside_files_of_the_host(machine: str) -> None:
    code, numbers = seccomp.shared_files_program(machine), header_numbers(machine)

    def answer(name: str, *arguments: int) -> int:
        return decide(code, numbers[name], *arguments, arch=ARCH[machine])

    for name in ("fchmodat", "fchownat", "setxattr", "fremovexattr", "utimensat", "truncate"):
        assert answer(name) == EPERM
    assert answer("openat", -100, 0, os.O_RDONLY) == answer("openat", -100, 0, os.O_WRONLY | os.O_TRUNC) == ALLOW
    assert answer("openat", -100, 0, os.O_RDONLY | os.O_TRUNC) == EPERM
    assert answer("openat2") == ENOSYS


HUNT = """
import ctypes, os, signal, sys
sys.path.insert(0, sys.argv[1])
from inside import linux, reserved, seccomp
own = reserved.ReservedCalls()
victim = linux.fork() or signal.pause()
linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
seccomp.install(seccomp.program(os.uname().machine), own.address)
own.limit_cpu(victim, 60)
own.kill(victim)
assert os.waitpid(victim, 0)[1] == signal.SIGKILL
asleep, wake = os.pipe()
program = linux.fork()  # as a test's process is born
if program == 0:
    os.read(asleep, 1)
    try:
        os.kill(os.getppid(), signal.SIGKILL)
    except PermissionError:
        os._exit(0)
    os._exit(1)
words = [ctypes.string_at(own.address + 8 * half, 8) for half in (0, 1)]
assert bytes(8) not in words
memory = os.open(f"/proc/{program}/mem", os.O_RDONLY)
searched = 0
for line in open(f"/proc/{program}/maps"):
    first, last = (int(end, 16) for end in line.split()[0].split("-"))
    if "r" in line.split()[1] and "[v" not in line:
        data = os.pread(memory, last - first, first)
        searched += len(data)
        assert not any(word in data for word in words), line
assert searched > 1 << 20
os.write(wake, b"x")
assert os.waitpid(program, 0)[1] == 0
"""


def test_only_the_template_can_send_sigkill_and_its_children_find_no_password() -> None:
    inside = Path(seccomp.__file__).parent.parent
    command = [sys.executable, "-S", "-c", HUNT, str(inside)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
