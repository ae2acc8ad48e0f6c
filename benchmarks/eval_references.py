"""The same stored responses judged through or1-eval and by the reference tools' rules; every difference is listed.

    python benchmarks/eval_references.py DATA_FOLDER      (holding verifier/math_dev.jsonl and verifier/code_dev.jsonl)

Maths against Math-Verify 0.9 (gold in a box, as its authors use it). Code against LiveCodeBench's rules, written here
from their description: real stdin, 6 s a test, both outputs stripped, split into stripped lines, lines equal or equal
as decimals; functions get JSON arguments line by line, a top-level tuple counts as a list. Labels are the data's own.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from math_verify import parse
from math_verify import verify as mv_verify

from or1_eval import Completion, Problem, Task, evaluate

CALL = """
import json, sys
sys.setrecursionlimit(50000)
from typing import *
import math, collections, heapq, itertools, functools, bisect, string, re, random
from collections import *
space = {"__name__": "solution"}
exec("from string import *\\nfrom re import *\\nfrom datetime import *\\nfrom typing import *\\nimport math, collections, heapq, itertools, functools, bisect, string, re, random\\n"
     "from collections import *\\nfrom math import *\\nfrom heapq import *\\nfrom bisect import *\\n"
     "from itertools import *\\nfrom functools import *\\n" + open(sys.argv[1]).read(), space)
name, given = sys.argv[2], json.loads(sys.stdin.read())
function = getattr(space["Solution"](), name) if "Solution" in space else space[name]
found = function(*given)
sys.stdout.write("\\n\\x01" + json.dumps(list(found) if isinstance(found, tuple) else found))
"""


def same_lines(got: str, expected: str) -> bool:
    """LiveCodeBench's comparison of two outputs."""
    ours, theirs = ([line.strip() for line in text.strip().split("\n")] for text in (got, expected))
    return len(ours) == len(theirs) and all(a == b or same_decimals(a, b) for a, b in zip(ours, theirs, strict=True))


def same_decimals(a: str, b: str) -> bool:
    """Whether two lines are the same numbers."""
    try:
        return [Decimal(word) for word in a.split()] == [Decimal(word) for word in b.split()]
    except InvalidOperation:
        return False


def by_lcb_rules(case: dict[str, Any]) -> bool:
    """Whether a program passes all tests by LiveCodeBench's rules, each test in a process of its own."""
    tests = case["tests"]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "p.py")
        program.write_text(case["solution"])
        Path(folder, "call.py").write_text(CALL)
        for given, expected in zip(tests["inputs"], tests["outputs"], strict=True):
            if not one_test(folder, program, tests.get("fn_name"), given, expected):
                return False
    return True


def one_test(folder: str, program: Path, name: str | None, given: Any, expected: Any) -> bool:
    """One test."""
    command = [sys.executable, str(program)]
    if name:
        command = [sys.executable, f"{folder}/call.py", str(program), name]
        given = json.dumps([json.loads(line) for line in given.split("\n")] if isinstance(given, str) else given)
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=6, cwd=folder)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode:
        return False
    if not name:
        return same_lines(done.stdout, expected)
    wanted = json.loads(expected) if isinstance(expected, str) else expected
    found = json.loads(done.stdout.rpartition("\x01")[2])
    return bool(
        found == wanted
        or (isinstance(wanted, list) and len(wanted) == 1 and found == wanted[0] and not isinstance(expected, str))
    )


def by_math_verify(case: dict[str, Any]) -> bool:
    """Math-Verify's verdict with the gold in a box."""
    gold = case["gold"] if "\\boxed" in case["gold"] or "$" in case["gold"] else f"\\boxed{{{case['gold']}}}"
    try:
        return bool(mv_verify(parse(gold), parse(case["prediction"])))
    except Exception:  # noqa: BLE001  its own failures are its verdict "no"
        return False


def ours(cases: list[dict[str, Any]], truths: list[Any], texts: list[str], name: str) -> tuple[list[str], float]:
    """Our statuses through `evaluate`, and the seconds they took."""
    problems = tuple(Problem(id=c["id"], prompt=c["id"], ground_truth=t) for c, t in zip(cases, truths, strict=True))
    answers = dict(zip([c["id"] for c in cases], texts, strict=True))
    statuses: dict[str, str] = {}

    def keep(response: str, truth: object, *, finish_reason: str | None = None) -> Any:
        from or1_reward import verify

        problem_id, _, response = response.partition("\x00")
        verdict = verify(response, truth, finish_reason=finish_reason)
        statuses[problem_id] = verdict.status.value
        return verdict

    started_s = time.perf_counter()
    evaluate(
        Task(name=name, problems=problems, votes=False),
        lambda prompt: Completion(text=f"{prompt}\x00{answers[prompt]}", finish_reason="stop"),
        verify=keep,
        workers=2,
    )
    return [statuses[case["id"]] for case in cases], time.perf_counter() - started_s


def compare(
    name: str, cases: list[dict[str, Any]], statuses: list[str], reference: list[bool], seconds: tuple[float, float]
) -> None:
    """Print agreement, accuracy against the labels, and every difference."""
    labels = [bool(case["label"]) for case in cases]
    mine = [status == "correct" for status in statuses]
    for who, given in (("or1-eval", mine), (name, reference)):
        counts = Counter(zip(given, labels, strict=True))
        print(
            f"  {who}: {counts[True, True] + counts[False, False]}/{len(cases)} as labeled, {counts[True, False]} false positives, {counts[False, True]} false negatives"
        )
    print(
        f"  seconds: or1-eval {seconds[0]:.1f}, {name} {seconds[1]:.1f}; verifier errors: {statuses.count('verifier_error')}"
    )
    differ = [i for i in range(len(cases)) if mine[i] != reference[i]]
    print(
        f"  {len(differ)} differences, {sum(mine[i] == labels[i] for i in differ)} of them decided as labeled by or1-eval:"
    )
    for i in differ:
        about = (
            f"gold {cases[i]['gold'][:50]!r}, text ...{cases[i]['prediction'][-60:]!r}"
            if "gold" in cases[i]
            else cases[i]["kind"]
        )
        print(f"    {cases[i]['id']}: label {labels[i]}, or1-eval {statuses[i]}, {name} {reference[i]}: {about}")


def main(folder: Path) -> None:
    """Both comparisons."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}")
    maths = [json.loads(line) for line in (folder / "math_dev.jsonl").open()]
    maths = [case for case in maths if case["kind"].startswith("text.")]
    statuses, seconds = ours(maths, [json.dumps(c["gold"]) for c in maths], [c["prediction"] for c in maths], "maths")
    started_s = time.perf_counter()
    reference = [by_math_verify(case) for case in maths]
    print(f"maths, {len(maths)} full texts against Math-Verify:")
    compare("Math-Verify", maths, statuses, reference, (seconds, time.perf_counter() - started_s))
    code = [json.loads(line) for line in (folder / "code_dev.jsonl").open()]
    code = [case for case in code if case["kind"] in ("stdin", "call")]
    statuses, seconds = ours(
        code, [c["tests"] for c in code], [f"```python\n{c['solution']}\n```" for c in code], "code"
    )
    started_s = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        reference = list(pool.map(by_lcb_rules, code))
    print(f"code, {len(code)} stdin and call programs against LiveCodeBench's rules:")
    compare("LiveCodeBench's rules", code, statuses, reference, (seconds, time.perf_counter() - started_s))


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "verifier")
