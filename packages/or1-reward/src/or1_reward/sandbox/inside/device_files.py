"""`/dev/stdin` and its relatives in a jail without /proc: opening one opens a copy of the descriptor.

Put in place only for programs that name `/dev`.
"""

from __future__ import annotations

import builtins
import io
import os
from typing import Any

_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")
_open, _os_open = io.open, os.open


def descriptor(path: object) -> int | None:
    """The descriptor that a path of /dev stands for."""
    try:
        name = os.fspath(path)  # type: ignore[call-overload]
    except TypeError:
        return None
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if name in _STREAMS:
        return _STREAMS[name]
    rest = next((name[len(prefix) :] for prefix in _DESCRIPTORS if name.startswith(prefix)), "")
    return int(rest) if rest.isdecimal() and len(rest) < 4 else None


def _opened(file: Any, *arguments: Any, **named: Any) -> Any:
    found = descriptor(file)
    return _open(file if found is None else os.dup(found), *arguments, **named)


def _os_opened(path: Any, *arguments: Any, **named: Any) -> int:
    found = descriptor(path)
    return _os_open(path, *arguments, **named) if found is None else os.dup(found)


def install() -> None:
    """Replace the functions that open files."""
    builtins.open = io.open = _opened
    os.open = _os_opened
