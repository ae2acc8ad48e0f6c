"""The pins in the root pyproject cover the closure of the workspace exactly, and the check that says so can fail."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


def check(root: Path) -> subprocess.CompletedProcess[str]:
    """`pin.py --check` of the workspace at `root`."""
    command = [sys.executable, str(root / "scripts" / "pin.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture
def workspace(repo_root: Path, tmp_path: Path) -> Path:
    """A copy of what pin.py reads, to break."""
    files = [
        repo_root / "pyproject.toml",
        repo_root / "scripts" / "pin.py",
        *repo_root.glob("packages/*/pyproject.toml"),
    ]
    for file in files:
        target = tmp_path / file.relative_to(repo_root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    return tmp_path


def test_pins_cover_the_closure(repo_root: Path) -> None:
    done = check(repo_root)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_pin_and_a_useless_pin_are_named(workspace: Path) -> None:
    root = workspace / "pyproject.toml"
    text, replaced = re.subn(r'    "iniconfig==[^"]+",\n', '    "no-such-package==1.0",\n', root.read_text())
    assert replaced == 1
    root.write_text(text)
    done = check(workspace)
    assert done.returncode == 1
    assert "not pinned: iniconfig==" in done.stdout
    assert "nothing needs it: no-such-package==1.0" in done.stdout


def test_pins_that_cannot_be_met_are_uvs_own_words(workspace: Path) -> None:
    root = workspace / "pyproject.toml"
    root.write_text(re.sub(r'"pytest==[^"]+"', '"pytest==7.0.0"', root.read_text()))
    done = check(workspace)
    assert done.returncode == 1
    assert "pytest" in done.stderr
    assert "Traceback" not in done.stderr


def test_pins_are_versions_and_name_no_place(repo_root: Path) -> None:
    settings = tomllib.loads((repo_root / "pyproject.toml").read_text())["tool"]["uv"]
    pins = settings["constraint-dependencies"] + settings["build-constraint-dependencies"]
    assert not [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; python.*)?", pin)]
    assert "torch==2.13.0" in pins
    assert "math-verify==0.9.0" in pins
