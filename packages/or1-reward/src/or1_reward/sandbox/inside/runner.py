"""One test: the forked child that becomes the candidate. Nothing in this process is trusted once the program starts.

Descriptors of the child: 0 stdin, 1 stdout, 2 stderr, 3 the result file; the program and its call are read and
closed before the program runs. All of them are memory files of this test alone.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import resource
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from . import values

RESULT_FD = 3
SESSION_FD = 4
_MIB = 1 << 20
_STACK_THREAD_BYTES = 16 * _MIB
SYNTAX, CRASHED = 92, 1  # exit codes, told apart only to word a failure


def limit_self(limits: dict[str, Any]) -> None:
    """Resource limits of this process and its children, without a way back up."""
    cpu_s = int(-(-limits["cpu_s"] // 1))
    wanted = {
        resource.RLIMIT_AS: limits["address_space_mb"] * _MIB,
        resource.RLIMIT_FSIZE: max(limits["output_mb"], limits["disk_mb"]) * _MIB,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for which, value in wanted.items():
        hard = resource.getrlimit(which)[1]
        top = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (top, top))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


def place_descriptors(fds: list[int]) -> bytes:
    """Move the test's files to their numbers, close everything else, and return the program's text."""
    program, *wired = fds
    source = read_all(program)
    spare = [os.dup2(fd, 64 + index) for index, fd in enumerate(wired)]
    for index, fd in enumerate(spare):
        os.dup2(fd, index)
        os.set_inheritable(index, True)
    os.closerange(len(wired), 1 << 16)
    return source


def read_all(fd: int) -> bytes:
    """The whole of a memory file, whatever its offset."""
    return os.pread(fd, os.fstat(fd).st_size, 0)


def open_standard_streams() -> None:
    """Real text streams over the real descriptors, as an interpreter has them at start."""
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)), "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")
    writer = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(writer, "utf-8", "backslashreplace", line_buffering=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def new_module(name: str, prelude: dict[str, object]) -> dict[str, Any]:
    """The globals of a module named `name` that is in sys.modules and starts with the prelude."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    names = vars(module)
    names.update(prelude)
    names.update(__name__=name, __builtins__=__builtins__, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
    return names


def report(message: dict[str, Any]) -> None:
    """Write the result file; what is in it is the program's word, judged outside."""
    data = values.to_bytes(message)
    while data:
        data = data[os.write(RESULT_FD, data) :]


def run_guarded(step: Callable[[], None], leave: Callable[[int], NoReturn]) -> NoReturn:
    """Run the candidate and leave the process, whatever happens: its exit code is what Python's would be."""
    code = CRASHED
    try:
        step()
        code = 0
    except SystemExit as stop:
        code = _exit_code(stop)
    except SyntaxError as error:
        code = SYNTAX if error.filename == "<solution>" else CRASHED
        _tell(error)
    except BaseException as error:  # the candidate's own, whatever it is
        _tell(error)
    leave(code)


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    print(stop.code, file=sys.stderr)
    return 1


def _tell(error: BaseException) -> None:
    name, errno = type(error).__name__, getattr(error, "errno", None)
    try:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next  # start where the program's own frames start
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        report({"error": name, "message": str(error)[:500], "errno": errno if isinstance(errno, int) else 0})
    except BaseException:  # the candidate may have broken anything of this
        os.write(2, f"{name}\n".encode())


def leave_like_python(code: int) -> NoReturn:
    """Threads, exit handlers, flush, exit: the end of an interpreter without the cost of taking it down."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except SystemExit as stop:
        code = _exit_code(stop)
    except BaseException as error:
        _tell(error)
        code = code or CRASHED
    finally:
        _EXIT(code)


def leave_at_once(code: int) -> NoReturn:
    """For tests that end with a returned value: nothing that runs later can matter."""
    _EXIT(code)


_EXIT = os._exit


def run_stdio(source: bytes, prelude: dict[str, object]) -> NoReturn:
    """A program as a program: `__main__`, real stdin and stdout."""
    open_standard_streams()
    if b"/dev/stdin" in source:  # there is no /proc for it to point into
        Path(".stdin").write_bytes(read_all(0))

    def step() -> None:
        exec(compile(source, "<solution>", "exec", dont_inherit=True), new_module("__main__", prelude))

    run_guarded(step, leave_like_python)


def load(source: bytes, spec: dict[str, Any], prelude: dict[str, object]) -> dict[str, Any]:
    """Run the row's prefix and the program as a module, and return its names."""
    names = new_module("solution", prelude)
    if spec.get("prefix"):
        exec(compile(spec["prefix"], "<prefix>", "exec", dont_inherit=True), names)
    exec(compile(source, "<solution>", "exec", dont_inherit=True), names)
    return names


def find_function(names: dict[str, Any], name: str, prelude: dict[str, object]) -> Callable[..., Any]:
    """`Solution().name` where there is such a method, else the free function `name`."""
    solution = names.get("Solution")
    if isinstance(solution, type) and hasattr(solution, name):
        return getattr(solution(), name)  # type: ignore[no-any-return]
    found = names.get(name)
    if found is None or found is prelude.get(name):
        raise NameError(f"the program defines no function {name!r}")
    return found  # type: ignore[no-any-return]


def run_call(source: bytes, spec: dict[str, Any], prelude: dict[str, object]) -> NoReturn:
    """One call of a function, or one expression, in a fresh module; the value goes to the result file."""
    open_standard_streams()

    def step() -> None:
        names = load(source, spec, prelude)
        if "fn_name" in spec:
            value = find_function(names, spec["fn_name"], prelude)(*spec["args"])
        else:
            if spec.get("entry_point"):
                names["candidate"] = eval(spec["entry_point"], names)
            value = eval(compile(spec["expression"], "<test>", "eval", dont_inherit=True), names)
        report({"value": values.encode(value)})

    run_guarded(step, leave_at_once)


def parse_spec(fd: int) -> dict[str, Any]:
    """The call to make, from its memory file."""
    spec: dict[str, Any] = json.loads(read_all(fd))
    return spec
