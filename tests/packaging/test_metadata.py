"""Versions, changelogs, licences and texts of the packages agree; no file names a place of one machine or registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

TEXT_SUFFIXES = {
    ".py",
    ".j2",
    ".js",
    ".css",
    ".svg",
    ".yml",
    ".toml",
    ".md",
    ".txt",
    ".jsonl",
    ".json",
    ".sh",
    ".html",
    ".cfg",
    ".ipynb",
    "",
}
FOREIGN = re.compile(  # written in pieces, so that this file does not name them either
    "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "deb" + r"\.debian\.org"])
    + "|"
    + "|".join(["/wo" + "rk/", "/fa" + "rm/", "/tmp/ba" + "sh_jobs", "/opt/wh" + "eels", "/ro" + "ot/"])
)


def test_version_is_the_newest_heading_of_the_changelog(package: str, repo_root: Path) -> None:
    folder = repo_root / "packages" / package
    version = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (\S+)", (folder / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == version


def test_package_carries_licence_marker_and_readme(package: str, repo_root: Path) -> None:
    folder = repo_root / "packages" / package
    assert (folder / "LICENSE").read_text() == (repo_root / "LICENSE").read_text()
    assert (folder / "src" / package.replace("-", "_") / "py.typed").is_file()
    assert (folder / "README.md").read_text().startswith(f"# {package}\n")


def test_workspace_siblings_are_needed_in_a_range_that_holds_their_version(package: str, repo_root: Path) -> None:
    text = (repo_root / "packages" / package / "pyproject.toml").read_text()
    for sibling, low, high in re.findall(r'"(or1-\w+)(?:\[[\w,-]+\])?>=([\d.]+),<([\d.]+)"', text):
        project = tomllib.loads((repo_root / "packages" / sibling / "pyproject.toml").read_text())["project"]
        assert numbers(low) <= numbers(project["version"]) < numbers(high), f"{package} needs {sibling}"


@pytest.mark.parametrize("folder", ["packages", "docs", "examples", "benchmarks", "scripts", "tests", ".ci", ".github"])
def test_no_file_names_a_registry_host_or_a_machine_path(folder: str, repo_root: Path) -> None:
    named = [
        f"{path.relative_to(repo_root)}: {match[0]}"
        for path in sorted((repo_root / folder).rglob("*"))
        if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts
        for match in FOREIGN.finditer(path.read_text(errors="replace"))
    ]
    assert not named


def test_root_files_name_no_registry_host_or_machine_path(repo_root: Path) -> None:
    files = [*repo_root.glob("*.md"), repo_root / "pyproject.toml", repo_root / ".gitignore"]
    assert not [path.name for path in files if FOREIGN.search(path.read_text())]


def numbers(version: str) -> tuple[int, ...]:
    """`0.1.0` as (0, 1, 0)."""
    return tuple(map(int, version.split(".")))
