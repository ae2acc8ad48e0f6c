"""One test: the forked child that becomes the candidate. Nothing in this process is trusted once the program starts.

Descriptors of the child: 0 stdin, 1 stdout, 2 stderr, 3 the result file; the program and its call are read and
closed before the program runs. All of them are memory files of this test alone.
"""

from __future__ import annotations

import atexit
import gc
import io
import json
import os
import resource
import sys
import threading
import types
from collections.abc import Callable
from typing import Any, NoReturn

from . import device_files, values
from .program import Program, read_all

_STREAM_NAMES, _STDERR = ("stdin", "stdout", "stderr"), 2
RESULT_FD = 3
SESSION_FD = 4
_MIB = 1 << 20
THREAD_STACK_BYTES = 16 * _MIB
_RLIMIT_SIGPENDING, _SIGNALS_PENDING = 11, 256
SYNTAX, CRASHED = 92, 1  # exit codes, told apart only to word a failure


_HARD = {
    which: resource.getrlimit(which)[1]
    for which in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
}


def limit_template() -> None:
    """Limits that are the same for every test and no hindrance to the template: inherited, they cost a test nothing."""
    for which in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK):
        resource.setrlimit(which, (0, 0))
    pending = resource.getrlimit(_RLIMIT_SIGPENDING)[1]  # counted per account, outside of the jail too
    most = _SIGNALS_PENDING if pending == resource.RLIM_INFINITY else min(_SIGNALS_PENDING, pending)
    resource.setrlimit(_RLIMIT_SIGPENDING, (most, most))


def limit_self(limits: dict[str, Any]) -> None:
    """Resource limits of this process and its children, without a way back up; CPU time is limited by the template."""
    _limit(resource.RLIMIT_AS, limits["address_space_mb"] * _MIB)
    _limit(resource.RLIMIT_FSIZE, max(limits["output_mb"], limits["disk_mb"]) * _MIB)
    _limit(resource.RLIMIT_NOFILE, limits["open_files"])
    _limit(resource.RLIMIT_NPROC, limits["processes"])


def _limit(which: int, wanted: int) -> None:
    hard = _HARD[which]
    top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (top, top))


def place_descriptors(fds: list[int]) -> None:
    """Put the test's files where programs expect them and close everything else.

    The template keeps the lowest numbers occupied, so none of `fds` is among the numbers they go to.
    """
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    os.closerange(len(fds), 1 << 16)


def open_standard_streams() -> None:
    """Real text streams over descriptors 0 to 2, as an interpreter has them at start.

    Opened once, in the template: the streams know the numbers, each test puts its own files behind them.
    """
    sys.stdin = sys.__stdin__ = _text_stream(0, "r", "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text_stream(1, "w", "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text_stream(2, "w", "backslashreplace")  # type: ignore[misc]
    _STDOUT.append(sys.stdout)


def _text_stream(fd: int, mode: str, errors: str) -> io.TextIOWrapper:
    raw = io.FileIO(fd, mode, closefd=False)
    raw.name = f"<{_STREAM_NAMES[fd]}>"
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(buffer, "utf-8", errors, line_buffering=fd == _STDERR)
    stream.mode = mode  # type: ignore[misc]
    return stream


def new_module(name: str) -> dict[str, Any]:
    """The globals of a module named `name` that is in sys.modules."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    names = vars(module)
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
    """Threads, exit handlers, objects, flush, exit: the end of an interpreter without the cost of taking it down."""
    try:
        if len(threading._active) > 1 or threading._threading_atexits:  # type: ignore[attr-defined]
            threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        flush(sys.stdout, sys.stderr)
        if _drops_objects:
            _drop_objects()
            flush(sys.stdout)
        if sys.stdout is not _STDOUT[0]:
            flush(_STDOUT[0])
    except SystemExit as stop:
        code = _exit_code(stop)
    except BaseException as error:
        _tell(error)
        code = code or CRASHED
    finally:
        _EXIT(code)


def flush(*streams: Any) -> None:
    """Flush those that are there and open."""
    for stream in streams:
        if stream is not None and not stream.closed:
            stream.flush()


def _drop_objects() -> None:
    """Let go of the program's names: files write what they hold, `__del__` runs."""
    names = vars(sys.modules["__main__"])
    for name in [name for name in names if name not in ("__builtins__", "print")]:
        names[name] = None
    gc.collect()


_STDOUT: list[Any] = []  # the stream that the template has opened, whatever a program makes of sys.stdout
_drops_objects: list[bool] = []
_LEAVES_OUTPUT = (b"open(", b"__del__", b"Buffered", b"FileIO", b"TextIOWrapper", b"finalize")


def leave_at_once(code: int) -> NoReturn:
    """For tests that end with a returned value: nothing that runs later can matter."""
    _EXIT(code)


_EXIT = os._exit


def run_stdio(program: Program) -> NoReturn:
    """A program as a program: `__main__`, real stdin and stdout."""
    prepare_for(program.source)

    def step() -> None:
        exec(program.code(), new_module("__main__"))

    run_guarded(step, leave_like_python)


def prepare_for(source: bytes) -> None:
    """What only some programs need and costs time: files of /dev, objects that do something when they go."""
    if b"/dev" in source or b"/proc/self/fd" in source:
        device_files.install()
    if any(word in source for word in _LEAVES_OUTPUT):
        _drops_objects.append(True)


def load(program: Program, spec: dict[str, Any]) -> dict[str, Any]:
    """Run the row's prefix and the program as a module, and return its names."""
    names = new_module("solution")
    if spec.get("prefix"):
        exec(compile(spec["prefix"], "<prefix>", "exec", dont_inherit=True), names)
    exec(program.code(), names)
    return names


def find_function(names: dict[str, Any], name: str) -> Callable[..., Any]:
    """`Solution().name` where there is such a method, else the free function `name`."""
    solution = names.get("Solution")
    if isinstance(solution, type) and hasattr(solution, name):
        return getattr(solution(), name)  # type: ignore[no-any-return]
    found = names.get(name)
    if found is None and callable(solution):  # a method made in __init__, or a Solution behind a decorator
        found = getattr(solution(), name, None)
    if found is None:
        raise NameError(f"the program defines no function {name!r}")
    return found  # type: ignore[no-any-return]


def run_call(program: Program, spec: dict[str, Any]) -> NoReturn:
    """One call of a function, or one expression, in a fresh module; the value goes to the result file."""

    def step() -> None:
        names = load(program, spec)
        if "fn_name" in spec:
            report(_called(names, spec))
            return
        if spec.get("entry_point"):
            names["candidate"] = eval(spec["entry_point"], names)
        value = eval(compile(spec["expression"], "<test>", "eval", dont_inherit=True), names)
        report({"value": values.encode(value)})

    run_guarded(step, leave_at_once)


def _called(names: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The value of the call that a row asks for; of a method that works in place, its first argument too."""
    arguments = spec["args"] if "args" in spec else [json.loads(line) for line in spec["lines"]]
    if spec.get("operations"):
        return {"value": values.encode(operate(names[spec["fn_name"]], *arguments))}
    value = find_function(names, spec["fn_name"])(*arguments)
    message = {"value": values.encode(value)}
    is_method = isinstance(names.get("Solution"), type)
    return message | ({"argument": values.encode(arguments[0])} if value is None and arguments and is_method else {})


def operate(class_: Any, operations: list[str], arguments: list[list[Any]]) -> list[Any]:
    """LeetCode's design problems: make an object with the first arguments, then call one method after the other."""
    made = class_(*arguments[0])
    return [None, *(getattr(made, name)(*given) for name, given in zip(operations[1:], arguments[1:], strict=True))]


def parse_spec(fd: int) -> dict[str, Any]:
    """The call to make, from its memory file."""
    spec: dict[str, Any] = json.loads(read_all(fd))
    return spec
