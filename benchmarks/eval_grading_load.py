"""Grading LiveCodeBench-sized tests through or1-eval: memory of this process and cores kept busy.

    python benchmarks/eval_grading_load.py [PROBLEMS [TESTS [KILOBYTES_PER_INPUT]]]

Writes a file in LiveCodeBench's own encoding (problems that sum a long list; private tests packed), replays a correct
program for each problem, and reports tests per second, the peak resident memory of the grading process, and how much
CPU time this process and its children used per second of wall time.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import platform
import random
import resource
import sys
import tempfile
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path

from or1_eval import evaluate, load_task

PROGRAM = "```python\nimport sys\nprint(sum(map(int, sys.stdin.read().split())))\n```"


def row(number: int, num_tests: int, kilobytes: int) -> str:
    """One problem with its tests packed as LiveCodeBench packs them."""
    draw = random.Random(number)
    base = [draw.randrange(10**6) for _ in range(kilobytes * 1024 // 7)]
    tests = []
    for index in range(num_tests):
        numbers = [index, *base]
        tests.append({"input": " ".join(map(str, numbers)) + "\n", "output": f"{sum(numbers)}\n", "testtype": "stdin"})
    packed = base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)), 1)).decode()
    return json.dumps(
        {"question_id": f"q{number}", "question_content": "Sum.", "contest_date": "2024-09-01T00:00:00", "starter_code": "",
         "public_test_cases": "[]", "private_test_cases": packed, "metadata": "{}"}
    )  # fmt: skip


def cpu_s() -> float:
    """CPU seconds of this process and of its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def machine_busy_s() -> float:
    """Seconds of CPU time that all cores were busy, the whole machine's."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def main(num_problems: int, num_tests: int, kilobytes: int) -> None:
    """Measure with one and with two workers, on the same file."""
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test.jsonl")
        with file.open("w") as out:
            for number in range(num_problems):
                out.write(row(number, num_tests, kilobytes) + "\n")
        print(
            f"{num_problems} problems x {num_tests} tests x {kilobytes} KB of input: {num_problems * num_tests * kilobytes / 1e6:.2f} GB decoded"
        )
        task = load_task("livecodebench", file=file)
        for workers in (1, 2):
            started_s, busy_s = time.perf_counter(), machine_busy_s()
            report = evaluate(task, lambda prompt: PROGRAM, k=1, workers=workers)
            elapsed_s = time.perf_counter() - started_s
            busy = (machine_busy_s() - busy_s) / elapsed_s
            peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"workers {workers}: {report}; {num_problems * num_tests / elapsed_s:.0f} tests/s, "
                f"{busy:.2f} cores busy (whole machine), peak memory of this process {peak_mb:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [12, 200, 64][len(given) :]))
