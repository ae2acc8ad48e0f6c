"""Functions of many small tensor operations, run without Python between the operations.

TorchScript interprets them: an operation costs about half of what it costs to call from Python, and the interpreter
lock is free meanwhile, so that lanes run side by side. It needs no compiler on the user's machine, as `torch.compile`
would, which is why its deprecation is put up with; where it is absent the functions run as they are written.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar

import torch

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_TRANSLATING = Lock()


def program(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function as a program, translated at its first call. What it calls must be plain functions."""

    @cache
    def translated() -> Callable[..., Result]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            script: Callable[..., Result] = torch.jit.script(function)
        return script

    @wraps(function)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with _TRANSLATING:  # two lanes may come to the first call together
            script = translated()
        return script(*args, **kwargs)

    return run
