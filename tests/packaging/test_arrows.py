"""Who may import whom, read from the syntax tree of every source file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ALLOWED = {
    "or1_data": set(),
    "or1_reward": set(),
    "or1_rollout": set(),
    "or1_eval": {"or1_reward", "or1_rollout"},
    "or1_trainer": {"or1_data", "or1_eval", "or1_reward", "or1_rollout"},
}
ALLOWED_INSIDE_FUNCTIONS = {"or1_data": {"or1_rollout"}}
"""Imports behind an extra: only inside a function, so that the package imports without it."""

DYNAMIC_IMPORT = {"import_module", "__import__"}


def imported(tree: ast.AST) -> Iterator[tuple[str, int, bool]]:
    """(top-level module, line, whether inside a function) of each import, dynamic ones with a literal name included."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[str, int, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name.split(".")[0], child.lineno, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
                yield child.module.split(".")[0], child.lineno, inside
            elif isinstance(child, ast.Call) and called(child) in DYNAMIC_IMPORT:
                names = [part.value for part in child.args[:1] if isinstance(part, ast.Constant)]
                yield from ((str(name).split(".")[0], child.lineno, inside) for name in names)
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from walk(child, inside or function)

    return walk(tree, inside=False)


def called(call: ast.Call) -> str:
    """The last name of what is called: `import_module` of `importlib.import_module(...)`."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def wrong_arrows(package: str, source: str, where: str) -> list[str]:
    """The imports of `source` that its package may not make, as `file:line imports x`."""
    wrong = []
    for module, line, inside in imported(ast.parse(source)):
        allowed = ALLOWED[package] | {package} | (ALLOWED_INSIDE_FUNCTIONS.get(package, set()) if inside else set())
        if re.match(r"or1_\w+$", module) and module not in allowed:
            wrong.append(f"{where}:{line} imports {module}")
    return wrong


def test_every_arrow_of_the_tree_is_allowed(package: str, repo_root: Path) -> None:
    name = package.replace("-", "_")
    files = sorted((repo_root / "packages" / package / "src").rglob("*.py"))
    assert files
    wrong = [
        arrow for file in files for arrow in wrong_arrows(name, file.read_text(), str(file.relative_to(repo_root)))
    ]
    assert not wrong, "\n".join(wrong)


def test_declared_dependencies_follow_the_arrows(package: str, repo_root: Path) -> None:
    text = (repo_root / "packages" / package / "pyproject.toml").read_text()
    name = package.replace("-", "_")
    extras = ALLOWED_INSIDE_FUNCTIONS.get(name, set())
    declared = {need.replace("-", "_") for need in re.findall(r'"(or1-\w+)(?=[\[<>=])', text)}
    assert declared <= ALLOWED[name] | extras


def test_the_walk_sees_a_wrong_arrow_wherever_it_hides() -> None:
    assert wrong_arrows("or1_data", "import or1_reward", "f") == ["f:1 imports or1_reward"]
    assert wrong_arrows("or1_data", "def f():\n    from or1_reward.types import Verdict", "f") == [
        "f:2 imports or1_reward"
    ]
    assert wrong_arrows("or1_reward", "import importlib\nimportlib.import_module('or1_eval.run')", "f")
    assert wrong_arrows("or1_data", "import or1_rollout", "f")
    assert not wrong_arrows("or1_data", "def f():\n    import or1_rollout", "f")
    assert wrong_arrows("or1_eval", "import or1_data", "f") and not wrong_arrows("or1_eval", "import or1_rollout", "f")
    assert not wrong_arrows("or1_trainer", "import or1_data, or1_eval, or1_reward, or1_rollout", "f")
    assert not wrong_arrows("or1_data", "NAME = 'or1_reward:verify'", "f")
