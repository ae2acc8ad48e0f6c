"""Every third-party module that a package imports comes from a distribution that its pyproject names."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

GIVEN = {
    "or1_eval": {"inspect_ai", "transformers"},  # a scorer and a callback, which run inside of those projects only
    "or1_reward": {"torch", "inside"},  # OpenRLHF's adapter returns tensors; `inside` is alone on the path in the jail
}
"""Package -> modules that are there wherever the code that imports them runs."""


def imported(file: Path) -> set[str]:
    """Top-level names of the modules that a file imports, at the top or in functions; relative imports left out."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def declared(pyproject: Path) -> set[str]:
    """Distributions that a package needs, its extras included, in normal form."""
    project = tomllib.loads(pyproject.read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    needs = [*project.get("dependencies", []), *(need for extra in extras for need in extra)]
    return {normal(re.split(r"[\[<>=~! ;]", need)[0]) for need in needs}


def normal(name: str) -> str:
    """`or1_data` and `or1-data` are one distribution."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_imports_are_declared(package: str, repo_root: Path) -> None:
    module, folder = package.replace("-", "_"), repo_root / "packages" / package
    providers = packages_distributions()
    known = set(sys.stdlib_module_names) | {module} | GIVEN.get(module, set())
    needs = declared(folder / "pyproject.toml")
    undeclared = {
        f"{file.relative_to(folder)}: {name}"
        for file in (folder / "src").rglob("*.py")
        for name in imported(file) - known
        if not needs & {normal(dist) for dist in providers.get(name, [name])}
    }
    assert not undeclared, sorted(undeclared)
