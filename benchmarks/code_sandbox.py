"""The code verifier, measured: labeled solutions, tests per second per core beside LiveCodeBench's rules, overheads.

    uv run benchmarks/code_sandbox.py [--data FOLDER] [--rounds 3] [--only accuracy|speed|overhead|limits]

`--data` is a folder with verifier/code_dev.jsonl, leetcode_dataset/*.jsonl.gz and humaneval/*.jsonl.gz.
The baseline below restates how LiveCodeBench's runner works (one unjailed process per problem with a Manager, all tests in
that process, stdin mocked, SIGALRM); both sides run in one process at a time, interleaved, and CPU seconds of all
processes are counted, so that other load on the machine matters little.
"""

from __future__ import annotations

import argparse
import ast
import faulthandler
import gzip
import io
import json
import multiprocessing
import os
import platform
import resource
import signal
import statistics
import sys
import time
from contextlib import redirect_stdout, suppress
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import mock_open, patch

from or1_reward.code import judge_program
from or1_reward.ground_truth import CallTruth, HarnessTruth, StdioTruth, parse_ground_truth
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.sandbox.keeper.watch import descendants
from or1_reward.types import Limits, Status

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
EXCEPTIONS = {
    "word-ladder-ii": "several valid orders; the reference solution's own order depends on the hash of strings"
}
HEADER = "\n".join(
    [
        f"from {name} import *"
        for name in [
            "string",
            "re",
            "datetime",
            "collections",
            "heapq",
            "bisect",
            "copy",
            "math",
            "random",
            "statistics",
            "itertools",
            "functools",
            "operator",
            "io",
            "sys",
            "json",
            "builtins",
            "typing",
        ]
    ]
    + [
        f"import {name}"
        for name in [
            "string",
            "re",
            "datetime",
            "collections",
            "heapq",
            "bisect",
            "copy",
            "math",
            "random",
            "statistics",
            "itertools",
            "functools",
            "operator",
            "io",
            "sys",
            "json",
        ]
    ]
    + ["sys.setrecursionlimit(50000)\n"]
)


# The baseline: LiveCodeBench's rules, restated.


def baseline_stdio(code: str, inputs: list[str], outputs: list[str]) -> list[bool]:
    """The program becomes a function that is called once per test under mocks of open and of stdin's methods."""
    tree = ast.parse(code)
    last = tree.body[-1]
    if isinstance(last, ast.If) and ast.unparse(last.test) == "__name__ == '__main__'":
        tree.body[-1:] = last.body
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    rest = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    no_arguments = ast.arguments([], [], None, [], [], None, [])
    function = ast.FunctionDef("wrapped_function", no_arguments, rest, [], lineno=1)
    module = ModuleType("tmp_sol")
    exec(f"{HEADER}\n{ast.unparse(ast.Module(imports, []))}\n{ast.unparse(function)}", module.__dict__)
    results = []
    for given, expected in zip(inputs, outputs, strict=True):
        signal.alarm(6)
        captured = io.StringIO()
        faulthandler.enable()
        try:
            with redirect_stdout(captured):
                baseline_run(module.wrapped_function, given)
        except Exception:  # noqa: BLE001 - as its runner does
            return [*results, False]
        finally:
            signal.alarm(0)
            faulthandler.disable()
        results.append(baseline_same(expected, captured.getvalue()))
        if not results[-1]:
            break
    return results


class Mocked(io.StringIO):
    """The mocked standard input, with the bytes view that its later versions have."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.buffer = io.BytesIO(text.encode())


def baseline_run(function: Any, given: str) -> None:
    """One call under its five patches."""
    lines = iter(given.split("\n"))
    with (
        patch("builtins.open", mock_open(read_data=given)),
        patch("sys.stdin", Mocked(given)),
        patch("sys.stdin.readline", lambda *_: next(lines)),
        patch("sys.stdin.readlines", lambda *_: given.split("\n")),
        patch("sys.stdin.read", lambda *_: given),
        suppress(SystemExit),
    ):
        function()


def baseline_same(expected: str, got: str) -> bool:
    """Lines, then tokens as decimals."""
    one, two = [[line.strip() for line in text.strip().split("\n")] for text in (expected, got)]
    if len(one) != len(two):
        return False
    for left, right in zip(one, two, strict=True):
        if left != right:
            try:
                if [Decimal(word) for word in left.split()] != [Decimal(word) for word in right.split()]:
                    return False
            except ArithmeticError:
                return False
    return True


def baseline_call(code: str, inputs: list[str], outputs: list[str], name: str) -> list[bool]:
    """Import once, call once per test, compare with ==."""
    module = ModuleType("tmp_sol")
    exec(HEADER + "\n" + code, module.__dict__)
    function = getattr(module.Solution() if "class Solution" in code else module, name)
    results = []
    for given, expected in zip(inputs, outputs, strict=True):
        signal.alarm(6)
        faulthandler.enable()
        try:
            got = function(*map(json.loads, given.split("\n")))
        except BaseException:  # noqa: BLE001 - as its runner does
            return [*results, False]
        finally:
            signal.alarm(0)
            faulthandler.disable()
        got = list(got) if isinstance(got, tuple) else got
        results.append(got == json.loads(expected))
        if not results[-1]:
            break
    return results


def baseline_child(code: str, truth: StdioTruth | CallTruth, results: Any, metadata: Any) -> None:
    """What runs in the child process."""
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError()))
    try:
        if isinstance(truth, CallTruth):
            results.append(baseline_call(code, list(truth.inputs), list(truth.outputs), truth.fn_name))
        else:
            results.append(baseline_stdio(code, list(truth.inputs), list(truth.outputs)))
    except BaseException:  # noqa: BLE001 - as its runner does
        results.append([False])
    metadata.append({"execution time": 0.0})


def baseline(code: str, truth: StdioTruth | CallTruth) -> bool:
    """One problem: a Manager with two lists and a process, joined with the global time limit."""
    manager = multiprocessing.Manager()
    results, metadata = manager.list(), manager.list()
    child = multiprocessing.Process(target=baseline_child, args=(code, truth, results, metadata))
    child.start()
    child.join(timeout=7 * len(truth.inputs) + 5)
    if child.is_alive():
        child.kill()
    child.join()
    passed = bool(results) and all(results[0])
    manager.shutdown()
    return passed


# The measurements.


def cpu_s(sandbox: Sandbox | None = None) -> float:
    """CPU seconds of this process, of all that it has buried, and of the running processes of a sandbox."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(one.ru_utime + one.ru_stime for one in used)
    for worker in sandbox._idle if sandbox else ():
        for pid in (worker.process.pid, *descendants(worker.process.pid)):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def accuracy(data: Path, sandbox: Sandbox) -> None:
    """Every labeled solution; exceptions are printed with their reason."""
    rows = [json.loads(line) for line in (data / "verifier" / "code_dev.jsonl").read_text().splitlines()]
    labeled = [("code_dev", row["id"], row["solution"], parse_ground_truth(row["tests"]), row["label"]) for row in rows]
    for line in gzip.decompress((data / "humaneval" / "data__HumanEval.jsonl.gz").read_bytes()).splitlines():
        row = json.loads(line)
        labeled.append(
            (
                "HumanEval",
                row["task_id"],
                row["prompt"] + row["canonical_solution"],
                HarnessTruth("", row["test"], row["entry_point"]),
                True,
            )
        )
    packed = (data / "leetcode_dataset" / "data__LeetCodeDataset-v0.2.0-train.jsonl.gz").read_bytes()
    for line in gzip.decompress(packed).splitlines():
        row = json.loads(line)
        labeled.append(
            (
                "LeetCodeDataset",
                row["task_id"],
                row["completion"],
                HarnessTruth(row["prompt"], row["test"], row["entry_point"]),
                True,
            )
        )
    counts: dict[str, list[int]] = {}
    started_s = time.perf_counter()
    for source, name, program, truth, label in labeled:
        verdict = judge_program(program, truth, sandbox=sandbox)
        right = (verdict.status is Status.CORRECT) == label
        count = counts.setdefault(source, [0, 0, 0])
        count[0] += 1
        count[1] += right
        count[2] += len(verdict.tests)
        if not right:
            print(f"  {source} {name}: {verdict.status.value}, label {label}; {EXCEPTIONS.get(name, 'UNEXPLAINED')}")
    for source, (total, right, tests) in counts.items():
        print(f"{source}: {right} of {total} verdicts as labeled, {tests} tests run")
    print(f"accuracy part took {time.perf_counter() - started_s:.0f} s")


def cheap_problems(data: Path) -> list[tuple[str, StdioTruth | CallTruth]]:
    """Correct stdin and call solutions whose slowest test is cheap: what remains is the graders' own cost."""
    rows = [json.loads(line) for line in (data / "verifier" / "code_dev.jsonl").read_text().splitlines()]
    kept = [row for row in rows if row["kind"] != "assert" and row["label"] and (row["max_s"] or 9) < 0.05]
    return [(row["solution"], parse_ground_truth(row["tests"])) for row in kept]


def speed(data: Path, rounds: int) -> None:
    """Tests per second of CPU and of wall clock, ours jailed with a process per test, the baseline unjailed."""
    import numpy as np  # LiveCodeBench's runner imports it, and its children inherit it

    print(f"baseline: LiveCodeBench's rules restated, numpy {np.__version__} in the process as there")
    problems = cheap_problems(data)
    tests = sum(len(truth.inputs) for _, truth in problems)
    per_cpu: dict[str, list[float]] = {"or1-reward": [], "baseline": []}
    per_wall: dict[str, list[float]] = {"or1-reward": [], "baseline": []}
    accepted = {}
    sandbox = Sandbox(SandboxConfig(workers=1))
    print(f"ours: {sandbox.layers}")
    for _ in range(rounds):
        for name in ("or1-reward", "baseline"):
            before_cpu_s, before_s = cpu_s(sandbox), time.perf_counter()
            if name == "baseline":
                accepted[name] = sum(baseline(code, truth) for code, truth in problems)
            else:
                verdicts = [judge_program(code, truth, sandbox=sandbox) for code, truth in problems]
                accepted[name] = sum(verdict.status is Status.CORRECT for verdict in verdicts)
            per_cpu[name].append(tests / (cpu_s(sandbox) - before_cpu_s))
            per_wall[name].append(tests / (time.perf_counter() - before_s))
    sandbox.close()
    print(f"{len(problems)} correct cheap programs, {tests} tests, median of {rounds} interleaved rounds")
    for name, rates in per_cpu.items():
        on_cpu, on_wall = statistics.median(rates), statistics.median(per_wall[name])
        print(
            f"  {name:<11} {on_cpu:7.1f} tests per CPU second ({1000 / on_cpu:.1f} ms/test); {on_wall:7.1f} per second of wall clock; accepted {accepted[name]}"
        )
    ratio = statistics.median(
        ours / theirs for ours, theirs in zip(per_cpu["or1-reward"], per_cpu["baseline"], strict=True)
    )
    print(f"  ratio on CPU time: {ratio:.2f}")


def overhead() -> None:
    """What a test costs beyond the program itself, and what a worker costs to start."""
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        started_s = time.perf_counter()
        layers = sandbox.layers
        start_ms = 1000 * (time.perf_counter() - started_s)
        truth = StdioTruth(("",) * 200, ("",) * 200)
        before_cpu_s, before_s = cpu_s(), time.perf_counter()
        verdict = judge_program("pass", truth, sandbox=sandbox)
        wall_ms = 1000 * (time.perf_counter() - before_s) / 200
        inside_ms = 1000 * statistics.median(test.elapsed_s for test in verdict.tests)
    print(
        f"start of a worker {start_ms:.0f} ms; empty program: {wall_ms:.2f} ms per test (inside the jail {inside_ms:.2f}), CPU {1000 * (cpu_s() - before_cpu_s) / 200:.2f} ms"
    )
    print(f"layers: {layers}")


def limits(repeats: int = 10) -> None:
    """How long after the time limit a verdict comes."""
    programs = {
        "sleeps": "import time\ntime.sleep(60)",
        "computes": "while True: pass",
        "ignores signals": "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
        "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    }
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        for name, program in programs.items():
            late_s = []
            for _ in range(repeats):
                started_s = time.perf_counter()
                verdict = judge_program(program, StdioTruth(("",), ("",)), Limits(time_s=1.0), sandbox=sandbox)
                late_s.append(time.perf_counter() - started_s - 1.0)
                assert verdict.status in {Status.TIME_LIMIT, Status.WRONG}, verdict.detail
            print(
                f"time limit 1 s, program {name}: verdict {statistics.median(late_s):.3f} s after the limit (max {max(late_s):.3f})"
            )


def main() -> None:
    """Print the machine, then every part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["accuracy", "speed", "overhead", "limits"])
    arguments = parser.parse_args()
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, Linux {platform.release()}, uid {os.geteuid()}, load {os.getloadavg()[0]:.1f}"
    )
    wanted = [arguments.only] if arguments.only else ["overhead", "speed", "limits", "accuracy"]
    if "overhead" in wanted:
        overhead()
    if "speed" in wanted:
        speed(arguments.data, arguments.rounds)
    if "limits" in wanted:
        limits()
    if "accuracy" in wanted:
        with Sandbox(SandboxConfig(workers=1)) as sandbox:
            accuracy(arguments.data, sandbox)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
