"""Wheels of all packages, built once for all workers, and empty environments to install them into."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

UV = os.environ.get("UV", "uv")


def uv(*args: str | Path, cwd: Path) -> str:
    """Run uv, from its cache alone where that has everything, and return what it said."""
    for network in (["--offline"], []):
        command = [UV, *map(str, args), *network]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode == 0:
            return done.stdout + done.stderr
    raise AssertionError(f"{' '.join(command)} exited {done.returncode}:\n{done.stderr}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `package` once for each package of the workspace."""
    if "package" in metafunc.fixturenames:
        folders = (Path(__file__).resolve().parents[2] / "packages").glob("*/pyproject.toml")
        metafunc.parametrize("package", sorted(folder.parent.name for folder in folders))


@pytest.fixture(scope="session")
def shared_tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One temporary folder for all xdist workers of this run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def wheels(shared_tmp: Path, repo_root: Path) -> dict[str, Path]:
    """The wheel of each package by its name, e.g. `or1-reward`."""
    folder = shared_tmp / "wheels"
    with FileLock(shared_tmp / "wheels.lock"):
        if not (folder / "done").exists():
            uv("build", "--all-packages", "--wheel", "--out-dir", folder, cwd=repo_root)
            (folder / "done").touch()
    return {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="session")
def installed(shared_tmp: Path, repo_root: Path, wheels: dict[str, Path]) -> Callable[..., Path]:
    """Call it with package names; it gives the bin folder of an environment with their wheels and pinned needs."""
    settings = tomllib.loads((repo_root / "pyproject.toml").read_text())["tool"]["uv"]

    def install(*names: str) -> Path:
        venv = shared_tmp / ("venv-" + "-".join(names))
        with FileLock(f"{venv}.lock"):
            if not (venv / "done").exists():
                constraints = shared_tmp / f"{venv.name}.txt"
                constraints.write_text("\n".join(settings["constraint-dependencies"]))
                uv("venv", "--no-config", "--python", sys.executable, venv, cwd=shared_tmp)
                target = ("--python", venv / "bin" / "python", "--constraints", constraints)
                uv("pip", "install", "--no-config", *target, *(wheels[name] for name in names), cwd=shared_tmp)
                (venv / "done").touch()
        return venv / "bin"

    return install
