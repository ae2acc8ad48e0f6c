"""The common import prelude: names that solutions use without importing them, as LiveCodeBench's graders allow."""

from __future__ import annotations

import importlib
import sys

_STAR = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools",
    "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
_PLAIN = (*_STAR[:-2], "typing")
_WARM = ("array", "cmath", "collections.abc", "contextlib", "dataclasses", "decimal", "enum", "fractions", "numbers", "queue", "struct",
         "tempfile", "textwrap", "threading", "time", "traceback", "types", "unicodedata", "zlib", "resource", "ast")  # fmt: skip
RECURSION_LIMIT = 50_000


def namespace() -> dict[str, object]:
    """Import everything once and return the names a program starts with; `builtins` comes late and wins over e.g.

    Math.pow.
    """
    names: dict[str, object] = {}
    for module_name in _STAR:
        module = importlib.import_module(module_name)
        public = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        names.update({name: getattr(module, name) for name in public if hasattr(module, name)})
    names.update({name: importlib.import_module(name) for name in _PLAIN})
    for name in _WARM:
        importlib.import_module(name)
    sys.setrecursionlimit(RECURSION_LIMIT)
    return names
