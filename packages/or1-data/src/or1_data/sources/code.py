"""Adapters of code sets. Each docstring shows the shape of a row (values made up)."""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from or1_data.errors import SchemaError
from or1_data.schema import Problem, make_problem
from or1_data.sources.fields import Row, decoded, info, optional_text, text

_PYTHON3: Final = 3
"""CodeContests' number of the language."""
_MAX_UNPACKED_BYTES: Final = 1 << 30


def taco(row: Row, source: str) -> Problem:
    r"""A row of TACO.

    {"question": "Read n ...", "solutions": "[\"print(int(input())+1)\"]", "starter_code": "", "difficulty": "EASY",
     "input_output": "{\"inputs\": [\"1\"], \"outputs\": [\"2\"], \"fn_name\": null}", "raw_tags": "[]"}
    """
    tests = decoded(row, "input_output")
    if not isinstance(tests, Mapping):
        raise SchemaError("no tests", key="input_output", todo="drop the row, it cannot be verified")
    truth = {key: tests[key] for key in ("inputs", "outputs", "fn_name") if tests.get(key) is not None}
    solutions = decoded(row, "solutions") if row.get("solutions") else []
    return _problem(
        row,
        source,
        _with_starter(row, "question"),
        truth,
        _programs(solutions),
        "difficulty",
        "url",
        "name",
        "problem_id",
    )


def apps(row: Row, source: str) -> Problem:
    r"""A row of APPS; call-based tests name the function.

    {"problem_id": 7, "question": "Return n+1.", "solutions": "[\"def f(n): return n+1\"]", "difficulty": "interview",
     "input_output": "{\"fn_name\": \"f\", \"inputs\": [[1]], \"outputs\": [[2]]}", "starter_code": "def f(n):"}
    """
    return taco(row, source)


def leetcode(row: Row, source: str) -> Problem:
    r"""A row of LeetCodeDataset.

    {"task_id": "two-sum", "prompt": "from typing import *", "query": "Given ...", "completion": "class Solution: ...",
     "entry_point": "Solution().twoSum", "test": "def check(candidate): ..."}
    """
    truth = {
        "import_prefix": optional_text(row, "prompt"),
        "test_code": text(row, "test"),
        "entry_point": text(row, "entry_point"),
    }
    extra = info(row, "task_id", "question_id", "difficulty", "estimated_date")
    if isinstance(row.get("meta"), Mapping):
        extra |= info(row["meta"], "question_id", "difficulty")
    statement = text(row, "query", "problem_description")
    return make_problem(
        statement,
        truth,
        ability="code",
        data_source=source,
        extra_info=extra,
        solution=optional_text(row, "completion"),
    )


def humaneval(row: Row, source: str) -> Problem:
    r"""A row of HumanEval.

    {"task_id": "HumanEval/0", "prompt": "def f(x): ...", "canonical_solution": "    return x", "entry_point": "f",
     "test": "def check(candidate): ..."}
    """
    prompt = text(row, "prompt")
    truth = {"import_prefix": "", "test_code": text(row, "test"), "entry_point": text(row, "entry_point")}
    solution = prompt + optional_text(row, "canonical_solution")
    return make_problem(
        prompt, truth, ability="code", data_source=source, solution=solution, extra_info=info(row, "task_id")
    )


def code_contests(row: Row, source: str) -> Problem:
    r"""A row of CodeContests.

    {"name": "1_A", "description": "...", "public_tests": {"input": ["1"], "output": ["2"]},
     "private_tests": {"input": ["3"], "output": ["4"]}, "generated_tests": {"input": [], "output": []},
     "solutions": {"language": [3], "solution": ["print(int(input()) + 1)"]}}

    Tests and solutions may also be lists of objects, as the set's parquet files have them.
    """
    cases = [case for key in ("public_tests", "private_tests", "generated_tests") for case in _objects(row, key)]
    programs = [one["solution"] for one in _objects(row, "solutions") if one.get("language") in (_PYTHON3, "PYTHON3")]
    row.get("incorrect_solutions")  # megabytes that nobody wants to keep
    truth = pairs_of(cases, "public_tests")
    return _problem(row, source, text(row, "description"), truth, programs, "name", "difficulty", "source")


def _objects(row: Row, key: str) -> list[Mapping[str, Any]]:
    """A list of objects, which tables hold as such or as one object of columns."""
    value = row.get(key) or []
    if isinstance(value, Mapping) and all(isinstance(column, list) for column in value.values()):
        return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]
    if isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value):
        return value
    raise SchemaError("neither a list of objects nor an object of lists", key=key, todo="drop the row or repair it")


def pairs_of(cases: Iterable[Any], key: str) -> dict[str, Any]:
    """Tests given as objects with `input` and `output`, as the ground truth has them.

    Raises:
        SchemaError: one of them lacks a side, or there are none.
    """
    cases = list(cases)
    if not cases:
        raise SchemaError("no tests", key=key, todo="drop the row, it cannot be verified")
    for number, case in enumerate(cases):
        if not isinstance(case, Mapping) or case.get("input") is None or case.get("output") is None:
            raise SchemaError(f"test {number} lacks its input or output", key=key, todo="drop the row or repair it")
    return {"inputs": [case["input"] for case in cases], "outputs": [case["output"] for case in cases]}


def rllm(row: Row, source: str) -> Problem:
    r"""A row of DeepCoder.

    {"problem": "...", "solutions": "print(2)", "tests": {"inputs": ["1"], "outputs": ["2"]}}

    The tests may also be a list of objects with `input` and `output`, or an object whose `functional` is the text of
    `check(candidate)` and a call such as `check(Solution().f)`.
    """
    return _problem(row, source, text(row, "problem"), _rllm_truth(row), _programs(row.get("solutions")))


def livecodebench(row: Row, source: str) -> Problem:
    r"""A row of LiveCodeBench.

    {"question_title": "A", "question_content": "...", "question_id": "abc301_a", "contest_date": "2024-08-03T00:00:00",
     "starter_code": "", "public_test_cases": "[{\"input\": \"1\", \"output\": \"2\", \"testtype\": \"stdin\"}]",
     "private_test_cases": "[{\"input\": \"3\", \"output\": \"4\", \"testtype\": \"stdin\"}]", "metadata": "{}"}

    Private tests may also be base64 of zlib of that JSON text pickled; `metadata` may name a `func_name`.
    """
    truth: dict[str, Any] = pairs_of([*(decoded(row, "public_test_cases") or []), *_private(row)], "public_test_cases")
    metadata = decoded(row, "metadata") if row.get("metadata") else {}
    name = metadata.get("func_name") if isinstance(metadata, Mapping) else None
    if name:
        truth["fn_name"] = name
    keys = ("question_id", "contest_date", "platform", "difficulty")
    return _problem(row, source, _with_starter(row, "question_content"), truth, [], *keys)


class _TextUnpickler(pickle.Unpickler):
    """Unpickles plain text and nothing that could run: any class is refused."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} in a test file")


def _private(row: Row) -> list[dict[str, Any]]:
    packed = optional_text(row, "private_test_cases")
    if not packed or packed.lstrip().startswith("["):
        return decoded(row, "private_test_cases") or []
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(packed), _MAX_UNPACKED_BYTES)
        return list(json.loads(_TextUnpickler(io.BytesIO(raw)).load()))
    except (binascii.Error, zlib.error, pickle.UnpicklingError, ValueError, TypeError, EOFError) as error:
        raise SchemaError(
            f"cannot be unpacked ({error})", key="private_test_cases", todo="download the set again"
        ) from error


def _rllm_truth(row: Row) -> dict[str, Any]:
    tests = decoded(row, "tests")
    if isinstance(tests, list):
        cases = [case for case in tests if isinstance(case, Mapping)]
        truth = {"inputs": [case.get("input") for case in cases], "outputs": [case.get("output") for case in cases]}
        return truth | ({"fn_name": cases[0]["fn_name"]} if cases and cases[0].get("fn_name") else {})
    if isinstance(tests, Mapping) and tests.get("functional"):
        code, _, call = str(tests["functional"]).rstrip().rpartition("\ncheck(")
        if not call.endswith(")"):
            raise SchemaError("does not end in check(...)", key="tests.functional", todo="drop the row")
        return {"import_prefix": "", "test_code": code.strip() + "\n", "entry_point": call[:-1]}
    if isinstance(tests, Mapping):
        return {key: tests[key] for key in ("inputs", "outputs", "fn_name") if tests.get(key) is not None}
    raise SchemaError("no tests", key="tests", todo="drop the row, it cannot be verified")


def _with_starter(row: Row, key: str) -> str:
    starter = optional_text(row, "starter_code").strip()
    return text(row, key) + (f"\n\nStarter code:\n{starter}" if starter else "")


def _programs(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value.strip() else []
    return [str(entry) for entry in value] if isinstance(value, Iterable) and not isinstance(value, Mapping) else []


def _problem(row: Row, source: str, statement: str, truth: object, programs: list[str], *kept: str) -> Problem:
    extra = info(row, *kept)
    if len(programs) > 1:
        extra["solutions"] = programs[1:32]  # the report's check tries up to 32 listed programs
    return make_problem(
        statement, truth, ability="code", data_source=source, solution=programs[0] if programs else "", extra_info=extra
    )
