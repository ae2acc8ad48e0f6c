"""How jails are built: the settings of a sandbox, and where its packages lie."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .layers import check_names


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """How jails are built. `require` names layers without which nothing runs, `disable` layers not to be used.

    `packages` are importable in the jail where the grader's own environment has them, read-only and file by file.
    """

    workers: int = dataclasses.field(
        default_factory=lambda: int(os.environ.get("OR1_SANDBOX_WORKERS", os.cpu_count() or 1))
    )
    require: tuple[str, ...] = field(default_factory=lambda: _names_from("OR1_SANDBOX_REQUIRE"))
    disable: tuple[str, ...] = field(default_factory=lambda: _names_from("OR1_SANDBOX_DISABLE"))
    packages: tuple[str, ...] = field(
        default_factory=lambda: _names_from("OR1_SANDBOX_PACKAGES", "sortedcontainers,numpy")
    )
    disk_mb: int = 32
    cgroup: str = field(default_factory=lambda: os.environ.get("OR1_SANDBOX_CGROUP", ""))

    def __post_init__(self) -> None:
        """Refuse unknown layers and a pool without workers."""
        check_names((*self.require, *self.disable))
        if self.workers < 1:
            raise ValueError(f"workers must be at least 1, not {self.workers}")


def _names_from(variable: str, default: str = "") -> tuple[str, ...]:
    return tuple(name.strip() for name in os.environ.get(variable, default).split(",") if name.strip())


def package_paths(names: Sequence[str]) -> dict[str, str]:
    """Where the named packages lie in this environment.

    With the folder of shared libraries that wheels put beside them.
    """
    found: dict[str, str] = {}
    for name in names:
        spec = importlib.util.find_spec(name)
        place = None if spec is None else next(iter(spec.submodule_search_locations or ()), spec.origin)
        if place is not None:
            libraries = Path(place).parent / f"{name}.libs"
            found |= {Path(path).name: str(path) for path in (place, libraries) if Path(path).exists()}
    return found
