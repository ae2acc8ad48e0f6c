"""Names that a harness reads and nothing in its row defines: such checks can only fail (`list_node([1, 2])`)."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import sys
from collections.abc import Iterable, Iterator
from typing import Final

_STARS: Final = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools",
    "functools", "operator", "io", "sys", "json", "typing",
)  # fmt: skip
"""Modules that LiveCodeBench's graders, and or1-reward, import before a program."""
_KNOWN_HELPERS: Final = frozenset(("poly", "encode_cyclic", "encode_shift"))
"""Helpers of HumanEval's prompts, which or1-reward supplies."""
_PROGRAM: Final = frozenset(("solution", "answer", "submission", "candidate"))


def undefined_names(check: ast.Module, prefix: ast.Module, entry_point: ast.Module) -> list[str]:
    """Names that `check` reads and neither row, Python nor the graders' imports define, in order."""
    bound = set[str]().union(*(_bound(tree) for tree in (check, prefix)), _names(entry_point))
    if "*" in bound:
        return []  # of a module that is not looked into
    return sorted(_names(check) - bound - _known() - _KNOWN_HELPERS)


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _bound(tree: ast.AST) -> Iterator[str]:
    """What a piece of Python binds at any depth; `*` for all names of some module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        elif isinstance(node, ast.Import):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported(node)


def _imported(node: ast.ImportFrom) -> Iterable[str]:
    if node.module in sys.stdlib_module_names and any(alias.name == "*" for alias in node.names):
        return _public(node.module or "")
    return [alias.asname or alias.name for alias in node.names]


@functools.cache
def _known() -> frozenset[str]:
    """Builtins and what the graders import."""
    return frozenset(dir(builtins)) | frozenset(_STARS) | _PROGRAM | frozenset().union(*map(_public, _STARS))


@functools.cache
def _public(module: str) -> frozenset[str]:
    loaded = importlib.import_module(module)
    return frozenset(getattr(loaded, "__all__", None) or (name for name in vars(loaded) if name[:1] != "_"))
