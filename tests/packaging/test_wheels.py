"""What each package's wheel carries, and what it must not."""

from __future__ import annotations

import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path


def test_wheel_carries_types_and_licence_and_nothing_foreign(
    package: str, wheels: dict[str, Path], repo_root: Path
) -> None:
    module = package.replace("-", "_")
    with zipfile.ZipFile(wheels[package]) as wheel:
        names = wheel.namelist()
        licences = [wheel.read(name) for name in names if name.endswith("/licenses/LICENSE")]
    assert f"{module}/py.typed" in names
    assert licences == [(repo_root / "LICENSE").read_bytes()]
    foreign = [name for name in names if name.split("/")[0] != module and ".dist-info/" not in name]
    assert not foreign
    assert not [name for name in names if "/tests/" in name or Path(name).name.startswith("test_")]


def test_wheel_metadata_is_that_of_the_pyproject(package: str, wheels: dict[str, Path], repo_root: Path) -> None:
    project = tomllib.loads((repo_root / "packages" / package / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheels[package]) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["Name"] == package
    assert metadata["Version"] == project["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    needs = metadata.get_all("Requires-Dist") or []
    assert len(needs) >= len(project.get("dependencies", []))
    assert not [need for need in needs if " @ " in need], "a wheel must not need a file or an address"


def test_every_source_file_is_in_the_wheel(package: str, wheels: dict[str, Path], repo_root: Path) -> None:
    source = repo_root / "packages" / package / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheels[package]) as wheel:
        assert files <= set(wheel.namelist())
