"""Build the wheels, check each in an empty environment on every Python found, and print tags and release notes.

uv run --no-project scripts/release.py check                        # all packages, Python 3.11 to 3.13
uv run --no-project scripts/release.py check or1-reward --python 3.12
uv run --no-project scripts/release.py notes or1-reward             # the newest section of its changelog
uv run --no-project scripts/release.py tag or1-reward               # check it, then create the tag or1-reward-v0.1.0

It needs uv and git and nothing of the workspace. A Python that is not on the machine is left out and named; nothing is
downloaded but packages, in the pinned versions. Wheels are left in dist/. Exit code 0: all good, 1: not.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
NAMES = ("or1-reward", "or1-data", "or1-rollout", "or1-eval", "or1-trainer")
SIBLINGS = {
    "or1-eval": ("or1-reward", "or1-rollout"),
    "or1-trainer": ("or1-reward", "or1-data", "or1-rollout", "or1-eval"),
}


class ReleaseError(Exception):
    """Something that must not be released; the message says what."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return what it printed; `ReleaseError` with its words where it fails."""
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))}:\n{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout.strip()


def version_of(name: str) -> str:
    """The version in the package's pyproject; it must be the newest heading of its changelog."""
    folder = ROOT / "packages" / name
    version = str(tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"])
    heading = re.search(r"^## (\S+)", (folder / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    if heading is None or heading[1] != version:
        raise ReleaseError(f"{name} is {version}, but the newest heading of its changelog is {heading and heading[1]}")
    return version


def notes(name: str) -> str:
    """The newest section of the changelog, without its heading."""
    version_of(name)
    text = (ROOT / "packages" / name / "CHANGELOG.md").read_text()
    return re.split(r"^## \S+$", text, flags=re.MULTILINE)[1].strip()


def found(python: str) -> str | None:
    """The interpreter of a Python version, if the machine has one: as uv finds it, or among pyenv's."""
    try:
        return run("uv", "python", "find", "--no-project", "--no-python-downloads", python)
    except ReleaseError:
        versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        return next((str(path) for path in sorted(versions.glob(f"{python}.*/bin/python"), reverse=True)), None)


def build(folder: Path) -> dict[str, Path]:
    """The wheel of each package."""
    run("uv", "build", "--all-packages", "--wheel", "--clear", "--out-dir", folder)
    return {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in folder.glob("*.whl")}


def check(name: str, python: str, wheels: dict[str, Path]) -> None:
    """Install the package and the siblings it needs into an empty environment, import it, and start its command."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["constraint-dependencies"]
    module = name.replace("-", "_")
    with tempfile.TemporaryDirectory(prefix="or1-release-") as temporary:
        folder = Path(temporary)
        (folder / "pins.txt").write_text("\n".join(pins))
        run("uv", "venv", "--no-config", "--python", python, "venv", cwd=folder)
        target = ("--python", "venv/bin/python", "--constraints", "pins.txt")
        own = [wheels[need] for need in (name, *SIBLINGS.get(name, ()))]
        run("uv", "pip", "install", "--no-config", *target, *own, cwd=folder)
        run("uv", "pip", "check", "--no-config", "--python", "venv/bin/python", cwd=folder)
        said = run(
            "venv/bin/python", "-c", f"import {module}; print({module}.__version__, {module}.__file__)", cwd=folder
        )
        version, file = said.split(maxsplit=1)
        if version != version_of(name) or not Path(file).is_relative_to(folder.resolve()):
            raise ReleaseError(f"{name}: imported {version} from {file}")
        run(f"venv/bin/{name}", "--version", cwd=folder)
        run(f"venv/bin/{name}", "--help", cwd=folder)


def check_all(names: Sequence[str], pythons: Sequence[str]) -> bool:
    """Check packages on Pythons, a line each; whether all are good."""
    wheels, good = build(ROOT / "dist"), True
    for python in pythons:
        interpreter = found(python)
        if interpreter is None:
            print(f"Python {python}: not on this machine, not checked")
            continue
        for name in names:
            try:
                check(name, interpreter, wheels)
                print(f"Python {python}: {wheels[name].name} installs, imports and starts", flush=True)
            except ReleaseError as error:
                good = False
                print(f"Python {python}: {name} FAILED: {error}", flush=True)
    return good


def tag(name: str) -> str:
    """Create the tag of the package's version at this commit, with its release notes as the message."""
    label = f"{name}-v{version_of(name)}"
    if run("git", "status", "--porcelain"):
        raise ReleaseError("the checkout has changes that are not committed")
    if run("git", "tag", "--list", label):
        raise ReleaseError(f"{label} exists already; raise the version: uv version --package {name} --bump minor")
    run("git", "tag", "--annotate", label, "--message", f"{label}\n\n{notes(name)}")
    return f"created {label}; git push origin {label}"


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["check", "notes", "tag"])
    parser.add_argument("package", nargs="*", choices=[*NAMES, []], help="default: all")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="default: all of these that are there")
    options = parser.parse_args()
    names = options.package or NAMES
    try:
        if options.command == "notes":
            print("\n\n".join(f"# {name} {version_of(name)}\n\n{notes(name)}" for name in names))
            return 0
        good = check_all(names, options.python or PYTHONS)
        if options.command == "tag" and good:
            print("\n".join(tag(name) for name in names))
        return 0 if good else 1
    except ReleaseError as error:
        print(f"release.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
