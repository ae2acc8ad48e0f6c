"""Listed programs of real code sets pass their tests in or1-reward's sandbox, handed in; broken ones do not."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from or1_data import Problem, make_problem, read_problems, write_problems
from or1_data.answers import annotate_answers
from or1_data.cli import main
from or1_data.select import SelectSettings, reasons
from or1_data.sources import read_source
from or1_data.verifying import load_verifier

pytest.importorskip("or1_reward")
RULES_OFF = SelectSettings(rules=())
STDIO = {"inputs": ["1 2\n", "5 -7\n"], "outputs": ["3\n", "-2\n"]}


def program(solution: str, *others: str) -> Problem:
    return make_problem(
        "Add two numbers.",
        STDIO,
        ability="code",
        data_source="own",
        solution=solution,
        extra_info={"solutions": list(others)} if others else {},
    )


GOOD = "a, b = map(int, input().split())\nprint(a + b)"
BAD = "a, b = map(int, input().split())\nprint(a * b)"


def test_one_of_the_listed_programs_must_pass() -> None:
    rows = [program(GOOD), program(BAD), program(BAD, "print('x')", GOOD), program("while True: pass"), program("")]
    rows[3] = replace(rows[3], solution="import sys; sys.exit(3)")
    noted = list(annotate_answers(rows, load_verifier()))
    assert [p.notes["answers"]["solution_passes"] for p in noted] == [True, False, True, False, None]
    assert [reasons(p, RULES_OFF) for p in noted] == [
        [],
        ["answers:no_program_passes"],
        [],
        ["answers:no_program_passes"],
        [],
    ]


@pytest.mark.parametrize(
    ("file", "every", "least"),
    [
        ("leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz", 120, 1.0),
        ("humaneval/data__HumanEval.jsonl.gz", 14, 1.0),
        ("rllm_code/train__code__leetcode.json", 120, 0.9),  # some rows use list and tree nodes that nothing defines
    ],
)
def test_programs_of_real_sets_pass_their_tests(real: Path, file: str, every: int, least: float) -> None:
    rows = list(read_source(real / file, set_aside=lambda error: None))[::every]
    assert len(rows) > 10 and all(row.solution for row in rows)
    passed = [p.notes["answers"]["solution_passes"] for p in annotate_answers(rows, load_verifier())]
    assert sum(passed) >= least * len(rows)
    exchanged = [replace(row, solution=other.solution) for row, other in pairwise(rows)]
    notes = [p.notes["answers"]["solution_passes"] for p in annotate_answers(exchanged, load_verifier())]
    assert not any(notes), "a program of another problem passed"


def test_the_command_drops_what_fails_and_says_why(tmp_path: Path) -> None:
    write_problems(
        tmp_path / "in.jsonl",
        [program(GOOD), replace(program(BAD), statement="x", prompt=({"role": "user", "content": "Multiply."},))],
    )
    assert main(["answers", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out.jsonl"), "--quiet"]) == 0
    assert [p.solution for p in read_problems(tmp_path / "out.jsonl")] == [GOOD]
    dropped = json.loads((tmp_path / "out.dropped.jsonl").read_text())
    assert dropped["reasons"] == ["answers:no_program_passes"]
    assert dropped["notes"]["answers"]["why"].startswith("the first of 1 listed programs: wrong")
