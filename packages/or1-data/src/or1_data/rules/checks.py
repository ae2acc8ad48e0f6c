"""Reading the Python of a code problem's checks: does it parse, and does it assert anything."""

from __future__ import annotations

import ast
import threading
import warnings
from typing import Final

_PARSER: Final = threading.Lock()
"""`ast.parse` counts its depth per interpreter: in two threads at once it can fail (CPython 3.11)."""


def parsed(code: object) -> tuple[ast.Module | None, str]:
    """The tree of some source text, or why there is none."""
    if not isinstance(code, str):
        return None, f"is no text but {type(code).__name__}"
    try:
        with _PARSER, warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(code), ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return None, f"does not parse ({error})"


def defined_check(tree: ast.Module) -> ast.FunctionDef | None:
    """The function `check` that a harness defines at its top level."""
    found = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check")
    return next(found, None)


def asserts_something(tree: ast.AST) -> bool:
    """Whether any assertion in it can fail: `assert True` cannot."""
    tests = [node.test for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    return any(not (isinstance(test, ast.Constant) and test.value) for test in tests)
