"""Whether load changes verdicts: 5,000 maths verdicts beside busy processes, none of which may be a `verifier_error`.

    python benchmarks/maths_load.py [--count 5000] [--busy 14] [--cases PATH/math_dev.jsonl]

The labeled cases are judged again and again, without the cache of verdicts. Prints statuses, verdicts that differ from
the label, the load, and the time. Exit 1 on a verifier error or a verdict that differs.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import or1_reward
from or1_reward.maths.equal import ladder

DEFAULT = Path(__file__).resolve().parents[1].parent / "shared/data/verifier/math_dev.jsonl"


def main() -> int:
    """Judge and print; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--busy", type=int, default=14, help="processes that compute beside this one")
    parser.add_argument("--cases", type=Path, default=DEFAULT)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.cases.read_text(encoding="utf-8").splitlines()]
    print(f"{date.today()} {platform.machine()} x{os.cpu_count()}, Python {platform.python_version()}, ", end="")
    print(f"or1-reward {version('or1-reward')}, {arguments.busy} busy processes, load before {os.getloadavg()[0]:.1f}")
    statuses: collections.Counter[str] = collections.Counter()
    changed, started = 0, time.perf_counter()
    with busy(arguments.busy):
        for row in islice(cycle(rows), arguments.count):
            verdict = judged(row)
            statuses[verdict.status.value] += 1
            changed += (verdict.reward == 1.0) != row["label"]
        load = os.getloadavg()[0]
    took_s = time.perf_counter() - started
    print(
        f"{arguments.count} verdicts in {took_s:.0f} s, load at the end {load:.1f}: {dict(statuses)}; {changed} changed"
    )
    return int(bool(changed) or statuses[or1_reward.Status.VERIFIER_ERROR.value] > 0)


def judged(row: dict[str, Any]) -> or1_reward.Verdict:
    """One verdict, not from the cache; bare answers and golds are put in a box."""
    ladder._remembered.cache_clear()
    gold, answer = row["gold"], row["prediction"]
    if row["kind"].startswith("answer") and "\\boxed" not in answer and "$" not in answer:
        answer = f"\\boxed{{{answer}}}"
    return or1_reward.verify(answer, or1_reward.MathTruth((gold,)))


@contextmanager
def busy(count: int) -> Iterator[None]:
    """As many processes that do nothing but compute."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
