"""Adapters of code sets for reinforcement learning from 2024 on. Each docstring shows a row (values made up)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from or1_data.errors import SchemaError
from or1_data.schema import Problem, make_problem
from or1_data.sources.code import pairs_of
from or1_data.sources.fields import Row, answer, decoded, info, optional_text, text

_IMPORTED: Final = re.compile(r"^\s*from\s+solution\s+import\s+(.+)$", re.M)
_TEST: Final = re.compile(r"^def\s+(test_\w+)\s*\(\s*\)", re.M)


def synthetic(row: Row, source: str) -> Problem:
    r"""A math or code row of SYNTHETIC-1 or SYNTHETIC-2; rows of other tasks are set aside.

    {"source": "numina", "task_type": "verifiable_math", "in_source_id": "7", "prompt": "Problem: What is $1+2$?",
     "gold_standard_solution": "It is 3.", "verification_info": "{\"ground_truth\": \"3\"}"}

    Code has `test_cases` of the type `stdin_stdout` or with `fn_name` in `verification_info`.
    """
    how = decoded(row, "verification_info")
    if not isinstance(how, Mapping):
        raise SchemaError("no object", key="verification_info", todo="drop the row, it cannot be verified")
    extra = info(row, "source", "task_type", "in_source_id", "problem_id")
    if isinstance(how.get("test_cases"), list):
        truth: Any = pairs_of(how["test_cases"], "verification_info")
        names = {case.get("fn_name") for case in how["test_cases"]} - {None, ""}
        truth |= {"fn_name": names.pop()} if names else {}
        ability = "code"
    else:
        truth, ability = answer(how, "ground_truth"), "math"
    return make_problem(
        text(row, "prompt"),
        truth,
        ability="code" if ability == "code" else "math",
        data_source=source,
        solution=optional_text(row, "gold_standard_solution"),
        extra_info=extra,
    )


def codeforces(row: Row, source: str) -> Problem:
    r"""A row of open-r1/codeforces; rows that need a checker say so, for the rule `needs_checker`.

    {"id": "1/A", "title": "Theatre Square", "description": "Read n.", "input_format": "n", "output_format": "n+1",
     "note": null, "time_limit": 1.0, "interaction_format": null, "generated_checker": null,
     "examples": [{"input": "1", "output": "2"}], "official_tests": [{"input": "3", "output": "4"}]}
    """
    parts = [text(row, "description")]
    for key, title in (("input_format", "Input"), ("output_format", "Output"), ("note", "Note")):
        if optional_text(row, key).strip():
            parts.append(f"{title}\n{row[key]}")
    examples = row.get("examples") or []
    parts += [f"Example\nInput\n{case['input']}\nOutput\n{case['output']}" for case in examples]
    extra = info(row, "id", "title", "time_limit", "memory_limit", "rating", "tags", "contest_start_year")
    extra |= {key: True for key in ("interaction_format", "generated_checker") if row.get(key)}
    return make_problem(
        "\n\n".join(parts),
        pairs_of(row.get("official_tests") or examples, "official_tests"),
        ability="code",
        data_source=source,
        extra_info=extra,
    )


def kodcode(row: Row, source: str) -> Problem:
    r"""A row of KodCode; its pytest file becomes a harness that hands the solution to every test.

    {"question": "Write f(x) that returns x+1.", "solution": "def f(x): return x + 1", "question_id": "Prefill_1_I",
     "test": "from solution import f\n\ndef test_one():\n    assert f(1) == 2\n", "style": "instruct",
     "subset": "Prefill", "gpt_difficulty": "easy", "gpt_pass_percentage": 1.0}
    """
    code = text(row, "test")
    found, tests = _IMPORTED.search(code), _TEST.findall(code)
    name = found[1].split(",")[0].strip() if found else ""
    if not name.isidentifier() or not tests or "," in (found[1] if found else ""):
        raise SchemaError("no tests of one function imported from `solution`", key="test", todo="drop the row")
    body = _IMPORTED.sub(f"{name} = candidate", code)
    lines = [f"    {line}" if line.strip() else "" for line in [*body.splitlines(), *(f"{test}()" for test in tests)]]
    harness = "def check(candidate):\n" + "\n".join(lines) + "\n"
    return make_problem(
        text(row, "question"),
        {"import_prefix": "", "test_code": harness, "entry_point": name},
        ability="code",
        data_source=source,
        solution=optional_text(row, "solution"),
        extra_info=info(row, "question_id", "style", "subset", "gpt_difficulty", "gpt_pass_percentage"),
    )


def mbpp(row: Row, source: str) -> Problem:
    r"""A row of MBPP, full or sanitized; the statement shows the first assertion, for it names the function.

    {"task_id": 2, "text": "Write a function to add one.", "code": "def f(x): return x + 1", "test_setup_code": "",
     "test_list": ["assert f(1) == 2", "assert f(2) == 3"], "challenge_test_list": []}
    """
    cases = [str(case) for case in (row.get("test_list") or [])]
    if not cases:
        raise SchemaError("no tests", key="test_list", todo="drop the row, it cannot be verified")
    setup = row.get("test_imports") or optional_text(row, "test_setup_code")
    prefix = "\n".join(map(str, setup)) if isinstance(setup, list) else setup
    return make_problem(
        f"{text(row, 'text', 'prompt')}\n\nYour code should satisfy this test:\n{cases[0]}",
        {"assert_case": cases, "import_prefix": prefix} if prefix else {"assert_case": cases},
        ability="code",
        data_source=source,
        solution=optional_text(row, "code"),
        extra_info=info(row, "task_id"),
    )


def acecode(row: Row, source: str) -> Problem:
    r"""A row of AceCode-87K: assertions as texts.

    {"id": "oss_1", "source": "oss", "question": "Write f(x) that returns x+1.",
     "test_cases": ["assert f(1) == 2", "assert f(2) == 3"]}
    """
    cases = row.get("test_cases")
    if not isinstance(cases, list) or not cases:
        raise SchemaError("no tests", key="test_cases", todo="drop the row, it cannot be verified")
    truth = {"assert_case": [str(case) for case in cases]}
    row.get("inferences"), row.get("context_messages")  # answers of models, which are no part of the problem
    return make_problem(
        text(row, "question"), truth, ability="code", data_source=source, extra_info=info(row, "id", "source")
    )
