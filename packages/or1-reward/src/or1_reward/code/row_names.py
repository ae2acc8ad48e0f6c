"""Which names of a row's checks are asked of the program: decided by the row alone, before any program is seen."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from or1_reward.code.cases import CaseError
from or1_reward.sandbox.config import package_paths
from or1_reward.sandbox.inside.prelude import prelude_names

PROGRAM_MODULES: Final = ("solution", "answer", "submission", "candidate")
_SHIPPED: Final = ("pytest",)  # the part of it that checks use is in the judge
_GUARDS: Final = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_BUILTINS: Final = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a piece of a row reads, calls, binds, and imports from the program."""

    read: frozenset[str]
    called: frozenset[str]
    bound: frozenset[str]
    imported: frozenset[str]

    @property
    def free(self) -> frozenset[str]:
        """Read here and defined elsewhere."""
        return (self.read - self.bound) | self.imported


def names_of(tree: ast.AST) -> Names:
    """The names of a piece of Python."""
    nodes = list(ast.walk(tree))
    variables = [node for node in nodes if isinstance(node, ast.Name)]
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return Names(
        frozenset(node.id for node in variables if isinstance(node.ctx, ast.Load)),
        frozenset(called),
        frozenset(_bound(nodes)),
        frozenset(_imported_from_program(nodes)),
    )


def _bound(nodes: Iterable[ast.AST]) -> Iterable[str]:
    for node in nodes:
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
        elif isinstance(node, ast.ImportFrom) and node.module not in PROGRAM_MODULES:
            yield from _names_from_module(node)


def _names_from_module(node: ast.ImportFrom) -> Iterable[str]:
    for alias in node.names:
        if alias.name != "*":
            yield alias.asname or alias.name
        elif node.module and node.module.partition(".")[0] in sys.stdlib_module_names:
            module = importlib.import_module(node.module)
            yield from getattr(module, "__all__", None) or (name for name in vars(module) if not name.startswith("_"))


def _imported_from_program(nodes: Sequence[ast.AST]) -> Iterable[str]:
    """Names of `from solution import f`, and of `solution.f` behind `import solution`."""
    modules = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in PROGRAM_MODULES:
            yield from (alias.name for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name in PROGRAM_MODULES}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield node.attr


def is_class_name(name: str) -> bool:
    """Whether a row means a class by a name: `Stack`, not `max_profit`."""
    return name[:1].isupper()


def imports_program(tree: ast.AST) -> bool:
    """Whether checks import the program as a module: `import solution`."""
    return any(
        isinstance(node, ast.Import) and any(alias.name in PROGRAM_MODULES for alias in node.names)
        for node in ast.walk(tree)
    )


def names_under_test(pieces: Iterable[Names], prefix: Names) -> frozenset[str]:
    """The names that the checks of a row ask of the program.

    Those that nobody else defines. Only where there are none, the functions of the import prelude that the checks call
    (`lcm`), and only where there are none of these, the builtins that they call (MBPP's `sum(10, 15)`).
    """
    listed = list(pieces)
    free = frozenset().union(*(piece.free for piece in listed)) - prefix.bound
    imported = frozenset().union(*(piece.imported for piece in listed))
    called = frozenset().union(*(piece.called - piece.bound for piece in listed)) - prefix.bound
    undefined = free - _BUILTINS - prelude_names()
    return (undefined | imported) or (called - _BUILTINS) or called


def undefined_names(names: Names, prefix: Names) -> frozenset[str]:
    """Names that nothing in the row, Python or the import prelude defines."""
    return names.free - names.imported - prefix.bound - _BUILTINS - prelude_names()


def demand_modules(tree: ast.AST, packages: tuple[str, ...], what: str) -> None:
    """Refuse a row that imports what the jail does not have.

    Raises:
        CaseError: naming the module.
    """
    guarded = {id(part) for node in ast.walk(tree) if _is_guarded(node) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in guarded or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for root in (module.partition(".")[0] for module in modules):
            if root not in sys.stdlib_module_names and root not in _known_modules(packages):
                raise CaseError(
                    f"{what} of the row imports {root!r}, which is not in the jail; install it beside the grader and "
                    "name it in OR1_SANDBOX_PACKAGES, or drop the row"
                )


def _is_guarded(node: ast.AST) -> bool:
    """A try that goes on without the module."""
    if not isinstance(node, ast.Try):
        return False
    types = [handler.type or ast.Name("Exception", ast.Load()) for handler in node.handlers]
    caught = [name.id for kind in types for name in ast.walk(kind) if isinstance(name, ast.Name)]
    return bool(_GUARDS & set(caught))


@functools.lru_cache(16)
def _known_modules(packages: tuple[str, ...]) -> frozenset[str]:
    return frozenset((*PROGRAM_MODULES, *_SHIPPED, *package_paths(packages)))
