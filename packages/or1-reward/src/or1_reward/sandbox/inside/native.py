"""Compiled programs: the compiler's run, and each test of what it has made.

The compiler runs in this jail because sources are hostile too. What it makes is a static program that the keeper holds
as a sealed memory file; a test's process replaces itself by it and can execute nothing after that.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any, NoReturn

from . import linux, runner, seccomp, syscalls
from .program import read_all

_AT_EMPTY_PATH = 0x1000
_PROGRAM_FD = 3
_FAILED, _CHUNK = 1, 1 << 20
_MACHINE = os.uname().machine
# Python ignores these, and a program would inherit that.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT)


def run(mode: str, program: int, wired: list[int], spec: dict[str, Any]) -> NoReturn:
    """Do an order of the keeper's: `wired` are stdin, stdout, stderr and the result file."""
    if mode == "compile":
        _compile(program, wired, spec)
    _execute(program, wired)


def _compile(program: int, wired: list[int], spec: dict[str, Any]) -> NoReturn:
    """Run the compiler on the program's text; its product goes to the result file."""
    source = read_all(program)
    runner.place_descriptors(wired[:4])
    with open(spec["source"], "wb") as file:
        file.write(source)
    pid = os.fork()
    if pid == 0:
        _become(spec["command"])
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        _send(spec["product"])
    for name in (spec["source"], spec["product"]):
        if os.path.exists(name):
            os.unlink(name)
    os._exit(code if code >= 0 else _FAILED)


def _become(command: list[str]) -> NoReturn:
    """Turn into the compiler, which finds its parts by PATH."""
    try:
        os.closerange(runner.RESULT_FD, runner.RESULT_FD + 1)
        os.execve(command[0], command, {"PATH": os.path.dirname(command[0]), "TMPDIR": os.getcwd(), "LANG": "C.UTF-8"})
    finally:
        os._exit(_FAILED)


def _send(path: str) -> None:
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            while chunk:
                chunk = chunk[os.write(runner.RESULT_FD, chunk) :]


def _execute(program: int, wired: list[int]) -> NoReturn:
    """Turn into the compiled program, with an empty environment."""
    runner.place_descriptors([*wired[:3], program])
    os.set_inheritable(_PROGRAM_FD, False)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_DFL)
    nonce = int.from_bytes(os.getrandom(8), "little")
    seccomp.install(seccomp.one_execution_program(_MACHINE, nonce))
    arguments = (ctypes.c_char_p * 2)(b"program", None)
    environment = (ctypes.c_char_p * 1)(None)
    call = syscalls.DENIED["execveat"][0 if _MACHINE == "x86_64" else 1]
    assert call is not None
    try:
        linux.syscall(
            "execveat", call, ctypes.c_long(_PROGRAM_FD), b"", arguments, environment,
            ctypes.c_long(_AT_EMPTY_PATH), ctypes.c_ulong(nonce),
        )  # fmt: skip
    finally:
        os._exit(_FAILED)
