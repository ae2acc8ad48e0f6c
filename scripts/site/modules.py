"""Packages -> reference pages: what a package exports, then every module with its public classes and functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("or1_reward", "or1_data", "or1_rollout", "or1_eval", "or1_trainer")


def module_pages() -> Iterator[tuple[str, str]]:
    """(address, text) of one page for each package and each folder of modules in it."""
    for package in PACKAGES:
        source = ROOT / "packages" / package.replace("_", "-") / "src" / package
        folders = sorted({file.parent for file in source.rglob("*.py")})
        for folder in folders:
            name = ".".join([package, *folder.relative_to(source).parts])
            yield f"reference/api/{name}.md", _page(name, folder)


def _page(name: str, folder: Path) -> str:
    modules = [file.stem for file in sorted(folder.glob("*.py")) if not file.stem.startswith("_")]
    parts = [f"# {name}\n", f"::: {name}\n    options:\n      members: false\n      show_root_heading: false\n"]
    parts += [f"::: {name}.{module}\n" for module in modules]
    return "\n".join(parts)
