r"""Maths verdicts beside Math-Verify 0.9 on labeled cases: accuracy, false verdicts, speed. One run, interleaved.

    python benchmarks/maths_verifier.py [--cases PATH/math_dev.jsonl] [--rounds 3] [--clock wall] [--show]

Math-Verify is used as its authors recommend: golds and bare answers without a box or `$` are wrapped in a box,
and it must run in the main thread. Both judge every case in the same run, in turns; each case's time is the median of
the rounds. Ours is timed with its cache of verdicts cleared before every case. `--clock cpu`, for a machine that others
use, counts CPU time of this process; that of our sympy workers is printed below the table.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import math_verify

import or1_reward
from or1_reward.maths.equal import ladder

Judge = Callable[[str, str], bool]
Row = dict[str, Any]


def main() -> int:
    """Run and print the tables; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[1].parent / "shared/data/verifier/math_dev.jsonl"
    parser.add_argument("--cases", type=Path, default=default)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--show", action="store_true", help="print every false verdict of ours")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.cases.read_text(encoding="utf-8").splitlines()]
    print(
        f"{date.today()} {cpu()} x{os.cpu_count()}, Python {platform.python_version()}, "
        f"or1-reward {version('or1-reward')}, "
        f"math-verify {version('math-verify')}, sympy {version('sympy')}; {len(rows)} cases"
    )
    clock = time.perf_counter if arguments.clock == "wall" else time.process_time
    print(f"clock: {arguments.clock}")
    judges: dict[str, Judge] = {"or1-reward": ours, "Math-Verify": theirs}
    results = {name: [] for name in judges}
    times: dict[str, list[list[float]]] = {name: [[] for _ in rows] for name in judges}
    for round_number in range(arguments.rounds):
        for at, row in enumerate(rows):
            for name, judge in judges.items():
                started = clock()
                verdict = judge(wrapped(row, "prediction"), wrapped(row, "gold"))
                times[name][at].append(clock() - started)
                if round_number == 0:
                    results[name].append(verdict)
    table(rows, results, times)
    print(f"CPU time of our sympy workers, their start included: {workers_cpu_s() / arguments.rounds:.1f} s a round")
    by_source(rows, results)
    print(f"import or1_reward: {import_ms():.0f} ms above a bare interpreter (median of 15)")
    if arguments.show:
        show(rows, results["or1-reward"])
    return 0


def wrapped(row: Row, field: str) -> str:
    """A gold or bare answer in a box, unless it carries one or is marked as mathematics."""
    text: str = row[field]
    bare = field == "gold" or row["kind"].startswith("answer")
    return text if not bare or "\\boxed" in text or "$" in text else f"\\boxed{{{text}}}"


def ours(prediction: str, gold: str) -> bool:
    """Our verdict, not from the cache."""
    ladder._remembered.cache_clear()
    return or1_reward.verify(prediction, or1_reward.MathTruth((gold,))).reward == 1.0


def theirs(prediction: str, gold: str) -> bool:
    """Math-Verify's verdict with its own time limits of 5 s."""
    return bool(math_verify.verify(math_verify.parse(gold), math_verify.parse(prediction)))


def table(rows: list[Row], results: dict[str, list[bool]], times: dict[str, list[list[float]]]) -> None:
    """Accuracy and speed, one line per verifier."""
    print(
        "\n| | macro accuracy | micro | false positives | false negatives "
        "| verdicts/s/core | p50 ms | p95 | p99 | max |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, verdicts in results.items():
        right = [verdict == row["label"] for verdict, row in zip(verdicts, rows, strict=True)]
        false_positives = sum(verdict and not row["label"] for verdict, row in zip(verdicts, rows, strict=True))
        medians = sorted(statistics.median(several) for several in times[name])
        shares = " | ".join(f"{1000 * medians[int(len(medians) * share)]:.3f}" for share in (0.5, 0.95, 0.99))
        print(
            f"| {name} | {macro(rows, right):.4f} | {sum(right) / len(right):.4f} | {false_positives} | "
            f"{len(right) - sum(right) - false_positives} | {len(medians) / sum(medians):,.0f} | {shares} | "
            f"{1000 * max(max(several) for several in times[name]):.0f} |"
        )


def macro(rows: list[Row], right: list[bool]) -> float:
    """Mean over sources of the share of right verdicts."""
    return statistics.mean(statistics.mean(verdicts) for verdicts in grouped(rows, right).values())


def grouped(rows: list[Row], right: list[bool]) -> dict[str, list[bool]]:
    """Right verdicts by source."""
    sources = collections.defaultdict(list)
    for row, correct in zip(rows, right, strict=True):
        sources[row["source"]].append(correct)
    return sources


def by_source(rows: list[Row], results: dict[str, list[bool]]) -> None:
    """Sources on which the two differ or either errs."""
    shares = {
        name: grouped(rows, [verdict == row["label"] for verdict, row in zip(verdicts, rows, strict=True)])
        for name, verdicts in results.items()
    }
    worse = 0
    print("\nsources where either errs (cases: ours / Math-Verify):")
    for source in sorted(shares["or1-reward"]):
        mine, other = (statistics.mean(shares[name][source]) for name in ("or1-reward", "Math-Verify"))
        worse += mine < other
        if min(mine, other) < 1:
            print(f"  {source} ({len(shares['or1-reward'][source])}): {mine:.3f} / {other:.3f}")
    print(f"sources on which ours is below Math-Verify's: {worse}")


def workers_cpu_s() -> float:
    """CPU time of the live children of this process and of theirs that have ended."""
    total = 0.0
    for process in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def import_ms() -> float:
    """What `import or1_reward` adds to starting the interpreter."""

    def run(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    pairs = [(run("import or1_reward"), run("pass")) for _ in range(15)]
    return 1000 * statistics.median(loaded - bare for loaded, bare in pairs)


def show(rows: list[Row], verdicts: list[bool]) -> None:
    """Our false verdicts."""
    for row, verdict in zip(rows, verdicts, strict=True):
        if verdict != row["label"]:
            print("FP" if verdict else "FN", row["source"], repr(row["prediction"][-200:]), repr(row["gold"]))


def cpu() -> str:
    """The processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    sys.exit(main())
