"""What the data benchmarks share: the line that says on which machine and with which versions they ran."""

from __future__ import annotations

import datetime
import platform
from importlib.metadata import version
from pathlib import Path


def print_machine(*packages: str) -> None:
    """Date, processor, Python and the versions of `packages`."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{datetime.datetime.now(datetime.UTC).date()}  {cpu}  Python {platform.python_version()}  {versions}")
