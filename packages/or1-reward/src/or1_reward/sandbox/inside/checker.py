"""A row's checker: a Python program that reads three files and prints whether an output is right.

It is started as `checker.py input.txt correct_output.txt solution_output.txt`, as open-r1/codeforces has them, in a jail
without model code; what a program has printed is nothing but a file to it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

from . import runner
from .program import Program

FILES = ("input.txt", "correct_output.txt", "solution_output.txt")


def run(program: Program, spec: dict[str, Any]) -> NoReturn:
    """Write the files from standard input, which holds their texts one after the other, and run the checker."""

    def step() -> None:
        for name, size in zip(FILES, spec["sizes"], strict=True):
            Path(name).write_bytes(sys.stdin.buffer.read(size))
        sys.argv[:] = ["checker.py", *FILES]
        exec(program.code(), runner.new_module("__main__"))

    runner.run_guarded(step, runner.leave_like_python)
