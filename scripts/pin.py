"""Write the exact versions of the whole third-party closure into the root pyproject.toml.

`uv run scripts/pin.py` resolves the workspace (every package, extra and dependency group) with the old pins taken out
and writes the result between the two marker lines as `constraint-dependencies`, so that every machine installs the same
versions although no lock file is committed (a lock records download addresses, a pin does not).
`uv run scripts/pin.py --check` resolves with the pins in place and exits 1 where they do not cover the closure exactly.

Two extras that exclude each other may settle on two versions of one package. A constraint knows Python versions but not
extras, so such a package is brought to its lowest version where that resolves, else pinned per Python version.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "# --- pins: written by scripts/pin.py, not by hand ---"
END = "# --- end of pins ---"
PYTHON_CLAUSE = re.compile(r"python_(?:full_)?version (?:[<>=!]=?|===) '[^']+'")

Closure = dict[str, dict[str, set[str]]]
"""Package name -> version -> the Python markers it was chosen under (empty: all)."""


class PinError(Exception):
    """The workspace could not be resolved or pinned; the message says why."""


@dataclass
class Pins:
    """The two lists of the pins block, as requirement strings."""

    constraints: list[str] = field(default_factory=list)
    build: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The block between the markers, one requirement a line."""
        lines = [BEGIN]
        for key, pins in (("constraint-dependencies", self.constraints), ("build-constraint-dependencies", self.build)):
            lines += [f"{key} = [", *(f'    "{pin}",' for pin in pins), "]"]
        return "\n".join([*lines, END])


def with_pins(pyproject: str, pins: Pins) -> str:
    """The text of the root pyproject with its pins block replaced."""
    before, rest = pyproject.split(BEGIN, 1)
    return before + pins.text() + rest.split(END, 1)[1]


def uv(*args: str, cwd: Path, stdin: str | None = None) -> str:
    """Run uv and return its stdout; a failure carries uv's own words."""
    done = subprocess.run(
        [os.environ.get("UV", "uv"), *args], cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PinError(f"`uv {' '.join(args)}` failed in a copy of the workspace:\n{done.stderr.strip()}")
    return done.stdout


def lock(pins: Pins) -> Closure:
    """Resolve a copy of the workspace under `pins`; only the pyproject files are needed for that."""
    with tempfile.TemporaryDirectory(prefix="or1-pin-") as name:
        copy = Path(name)
        (copy / "pyproject.toml").write_text(with_pins((ROOT / "pyproject.toml").read_text(), pins))
        for package in sorted((ROOT / "packages").glob("*/pyproject.toml")):
            target = copy / package.relative_to(ROOT)
            target.parent.mkdir(parents=True)
            shutil.copy(package, target)
        try:
            uv("lock", "--offline", cwd=copy)  # no questions asked where the cache has the answers
        except PinError:
            uv("lock", cwd=copy)
        return read_lock(copy / "uv.lock")


def read_lock(path: Path) -> Closure:
    """The third-party packages of a uv.lock with their versions and Python markers."""
    closure: Closure = {}
    for package in tomllib.loads(path.read_text())["package"]:
        if "registry" not in package["source"]:
            continue  # a member of the workspace
        markers = {python_part(marker) for marker in package.get("resolution-markers", [])}
        closure.setdefault(package["name"], {})[package["version"]] = set() if "" in markers else markers
    return closure


def python_part(marker: str) -> str:
    """`marker` reduced to what it says about the Python version, e.g. "python_full_version < '3.12'"."""
    return " and ".join(PYTHON_CLAUSE.findall(marker))


def release_key(version: str) -> tuple[int, ...]:
    """Enough of an order to find the lowest of two releases: the numbers of the version."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


def unify(base: Pins, closure: Closure) -> Closure:
    """Bring each package that was chosen in several versions to its lowest one, where the workspace still resolves."""
    for name in [name for name, versions in closure.items() if len(versions) > 1]:
        lowest = min(closure[name], key=release_key)
        trial = Pins([*base.constraints, f"{name}=={lowest}"], base.build)
        try:
            closure = lock(trial)
        except PinError:
            continue
        base.constraints.append(f"{name}=={lowest}")
    return closure


def requirements(closure: Closure) -> list[str]:
    """`closure` as sorted `name==version[ ; python marker]` lines."""
    lines = []
    for name, versions in sorted(closure.items()):
        if len(versions) == 1:
            lines.append(f"{name}=={next(iter(versions))}")
            continue
        chosen = [marker for markers in versions.values() for marker in markers]
        if not all(versions.values()) or len(chosen) != len(set(chosen)):
            raise PinError(f"{name} has no common version and its versions {sorted(versions)} differ by extra only")
        for version, markers in sorted(versions.items(), key=lambda item: release_key(item[0])):
            lines.append(f"{name}=={version} ; {' or '.join(sorted(markers))}")
    return lines


def build_requirements() -> list[str]:
    """The closure of every package's build-system, pinned."""
    wanted = set()
    for package in sorted((ROOT / "packages").glob("*/pyproject.toml")):
        wanted |= set(tomllib.loads(package.read_text())["build-system"]["requires"])
    options = ("--no-header", "--no-annotate", "--universal", "--python-version", "3.11")
    found = uv("pip", "compile", "-", *options, cwd=Path(tempfile.gettempdir()), stdin="\n".join(sorted(wanted)))
    return sorted(line.strip() for line in found.splitlines() if "==" in line)


def write() -> int:
    """Resolve freely and write the pins block."""
    base = Pins(build=build_requirements())
    closure = unify(base, lock(base))
    pins = Pins(requirements(closure), base.build)
    if requirements(lock(pins)) != pins.constraints:
        raise PinError("the pins do not resolve to themselves: a package appeared that no free resolution chose")
    root = ROOT / "pyproject.toml"
    root.write_text(with_pins(root.read_text(), pins))
    print(f"{len(pins.constraints)} packages and {len(pins.build)} build requirements pinned in {root.name}")
    return 0


def check() -> int:
    """Say which packages of the closure are not pinned as resolved, and which pins nothing needs."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]
    pinned = settings["constraint-dependencies"]
    resolved = requirements(lock(Pins(pinned, settings["build-constraint-dependencies"])))
    for line in sorted(set(resolved) - set(pinned)):
        print(f"not pinned: {line}")
    for line in sorted(set(pinned) - set(resolved)):
        print(f"pinned, but nothing needs it: {line}")
    if resolved == pinned:
        print(f"{len(pinned)} pins cover the closure")
        return 0
    print("run `uv run scripts/pin.py` and commit the root pyproject.toml")
    return 1


def main() -> int:
    """Run the command line: exit 0 done, 1 pins missing or no resolution."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 where the pins do not cover the closure"
    )
    arguments = parser.parse_args()
    try:
        return check() if arguments.check else write()
    except PinError as error:
        print(f"pin.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
