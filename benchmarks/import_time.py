"""CPU milliseconds of `import or1_reward` in a new process, beside those of the standard library's part of it.

uv run python benchmarks/import_time.py [--rounds 10]
"""

from __future__ import annotations

import argparse
import subprocess
import sys

IMPORTS = {
    "or1_reward": "or1_reward",
    "its part of the standard library": "ast, copy, dataclasses, decimal, enum, fractions, json, re, typing",
}


def import_ms(modules: str) -> float:
    """CPU milliseconds of one cold import."""
    code = f"import time; began = time.process_time(); import {modules}; print(1000 * (time.process_time() - began))"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print minimum and maximum of interleaved rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    times_ms: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(rounds):
        for name, modules in IMPORTS.items():
            times_ms[name].append(import_ms(modules))
    for name, values in times_ms.items():
        print(f"{name}: {min(values):.1f} to {max(values):.1f} ms")


if __name__ == "__main__":
    main()
