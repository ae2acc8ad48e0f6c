"""What `or1-reward doctor` finds: the layers of a jail started here and now, and what a test costs in it."""

from __future__ import annotations

import os
import platform
import statistics
import time

from .config import SandboxConfig
from .layers import NOT_NEEDED, PURPOSE, WITHOUT, is_in_force
from .pool import Sandbox
from .worker import JailTest

_RUNS = 30
_TINY = {
    "cpu_s": 5,
    "address_space_mb": 1536,
    "memory_mb": 1024,
    "output_mb": 1,
    "disk_mb": 8,
    "open_files": 64,
    "processes": 16,
}


def examine(config: SandboxConfig) -> tuple[dict[str, str], float]:
    """(layers, milliseconds per test of an empty program), from a jail of our own.

    Raises:
        SandboxError: not even the least can be had here.
    """
    with Sandbox(config) as sandbox, sandbox.worker() as worker:
        worker.set_program(b"")
        spent_ms = []
        for _ in range(_RUNS):
            started_s = time.perf_counter()
            worker.submit(JailTest(mode="stdio", blobs=(b"",), limits=dict(_TINY), wall_s=5.0))
            worker.report(5.0)
            spent_ms.append(1000 * (time.perf_counter() - started_s))
        return dict(worker.layers), statistics.median(spent_ms)


def compilers() -> list[str]:
    """Which languages programs can be judged in here."""
    from or1_reward.code.languages import LANGUAGES, languages

    lines = []
    for language in LANGUAGES:
        path = languages().get(language.name)
        needed = "" if path else f"install {language.compile_command[0]} to judge programs in it"
        lines.append(f"{'yes' if path else 'NO':>5}  {language.name:<16} {path or needed}")
    return lines


def table(layers: dict[str, str], overhead_ms: float) -> str:
    """The report for people."""
    who = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    lines = [f"code sandbox on {platform.system()} {platform.release()} {platform.machine()}, as {who}", ""]
    for name, purpose in PURPOSE.items():
        said = layers.get(name, "missing: not tried")
        active, needed = is_in_force(layers, name), not said.startswith(NOT_NEEDED)
        lines.append(f"{'yes' if active else 'NO' if needed else '-':>5}  {name:<16} {purpose}")
        lines += [f"{'':24}{said}"] if said != "in force" else []
        lines += [] if active or not needed else [f"{'':24}without it: {WITHOUT[name]}"]
    return "\n".join(
        [
            *lines,
            "",
            *compilers(),
            "",
            f"one test of an empty program, fresh process, all of the above: {overhead_ms:.1f} ms (median of {_RUNS})",
        ]
    )
