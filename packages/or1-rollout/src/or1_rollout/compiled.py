"""Functions of plain loops compiled by numba: no compiler is needed on the user's machine.

What was compiled is kept in `$OR1_CACHE/compiled`, else in the user's cache folder, once per machine and version of the
sources. numba itself would look only at the file of the function that is called, not at those of the functions that
were compiled into it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

import numba
import numpy as np
from llvmlite.binding import ffi
from numpy.typing import NDArray

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Floats = NDArray[np.float32]

ROOM_BYTES = 2**24
"""Below this much free disk nothing is kept: all of the project's functions take 2 MB."""

_OPTIONS = {
    "nogil": True,  # lanes run side by side
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},  # infinities and NaN keep their meaning
}


def _answer_to_names_of_functions_only() -> None:
    """Let llvmlite's library have no `__dict__`: it takes every name for one of its functions.

    vLLM 0.32 for CPUs reads the `__dict__` of whatever it finds in loaded modules (`triton_utils/dispatcher.py`), and
    would not start in a process that has loaded llvmlite.
    """
    library = type(ffi.lib)
    function_of = library.__getattr__

    def answer(self: object, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return function_of(self, name)

    library.__getattr__ = answer


_answer_to_names_of_functions_only()


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function compiled at its first call, or read from the cache folder where one can be written."""
    folder, before = _cache_folder(function.__module__.partition(".")[0]), numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = str(folder or "")  # read while the function is decorated
        found: Callable[Arguments, Result] = numba.njit(function, cache=folder is not None, **_OPTIONS)
    finally:
        numba.config.CACHE_DIR = before
    return found


def call(function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call a compiled function from Python; Ctrl-C meanwhile is raised as what it is.

    numba turns results into Python objects with the interrupt already set, and Python then reports a SystemError.
    """
    try:
        return function(*args, **kwargs)
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            cause = cause.__cause__
        raise


@cache
def _cache_folder(package: str) -> Path | None:
    """Of the sources of `package` and of this one as they are; None where nothing can be written."""
    base = os.environ.get("OR1_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "or1"
    digest = hashlib.sha256()
    for name in dict.fromkeys((package, __name__.partition(".")[0])):
        spec = importlib.util.find_spec(name)
        for root in spec.submodule_search_locations or () if spec else ():
            for source in sorted(Path(root).rglob("*.py")):
                digest.update(source.read_bytes())
    folder = Path(base) / "compiled" / digest.hexdigest()[:12]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        has_room = shutil.disk_usage(folder).free >= ROOM_BYTES  # numba would end the run where there is none
    except OSError:
        return None
    return folder if has_room and os.access(folder, os.W_OK) else None


@compiled
def room(rows: int, columns: int) -> Floats:
    """Memory to be written to."""
    return np.empty((rows, columns), np.float32)
