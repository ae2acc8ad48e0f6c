"""Python functions with tests: HumanEval and HumanEval+, MBPP+, in the schemas of EvalPlus (arXiv 2305.01210)."""

from __future__ import annotations

from typing import Any

from or1_eval.errors import TaskError
from or1_eval.tasks.problems import messages, row_id
from or1_eval.tasks.rows import Row
from or1_eval.tasks.spec import TaskSpec
from or1_eval.types import Problem


def function_problem(row: Row, position: int, spec: TaskSpec, template: str) -> Problem:
    """One function to write.

    HumanEval's rows have `prompt` (the function's head), `entry_point` and `test`, which defines `check(candidate)`;
    MBPP+'s have `prompt` (words), `test_list` (assertions that are shown) and `test`, a program that calls the function
    by its name. Raises `TaskError` for a row of neither kind.
    """
    if absent := [name for name in ("prompt", "test") if not row.get(name)]:
        raise TaskError(f"{spec.name}, row {position}: no {' and no '.join(absent)}")
    if "entry_point" in row:
        question, truth = str(row["prompt"]).rstrip(), _humaneval_truth(row)
    else:
        question, truth = _mbpp_question(row), _mbpp_truth(row)
    return Problem(
        id=row_id(row, position, spec),
        prompt=messages(spec, template, question),
        ground_truth=truth,
        info={"problem": question},
    )


def _humaneval_truth(row: Row) -> dict[str, Any]:
    """What stands in front of the function (imports, helpers) is given, as the function alone is asked for."""
    name = str(row["entry_point"])
    before, _, _ = str(row["prompt"]).rpartition(f"def {name}(")
    return {"import_prefix": before, "test_code": str(row["test"]), "entry_point": name}


def _mbpp_question(row: Row) -> str:
    shown = [str(line) for line in row.get("test_list") or ()]
    return "\n".join([str(row["prompt"]).strip(), "Your code should satisfy these tests:", *shown])


def _mbpp_truth(row: Row) -> dict[str, Any]:
    """The test program runs after the response's; it calls the function by the name that the shown tests have."""
    return {"import_prefix": "\n".join(map(str, row.get("test_imports") or ())), "assert_case": [str(row["test"])]}
