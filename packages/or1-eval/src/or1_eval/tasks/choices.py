"""Multiple choice as GPQA has it: the right answer and the wrong ones in columns, asked as lettered choices."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from string import ascii_uppercase

from or1_eval.errors import TaskError
from or1_eval.tasks.problems import messages, row_id
from or1_eval.tasks.rows import Row
from or1_eval.tasks.spec import TaskSpec
from or1_eval.types import Problem


def choice_problem(row: Row, position: int, spec: TaskSpec, template: str) -> Problem:
    """One question; the order of its choices is a function of the question, so that every run asks the same.

    The expected answer is the letter. Raises `TaskError` where a column is missing.
    """
    columns = spec.columns
    if absent := [name for name in (columns.problem, columns.answer, *columns.wrong) if not row.get(name)]:
        raise TaskError(
            f"{spec.name}, row {position}: no column {', '.join(map(repr, absent))}; name it under [columns]"
        )
    question = str(row[columns.problem]).strip()
    right = str(row[columns.answer]).strip()
    choices = _shuffled([right, *(str(row[name]).strip() for name in columns.wrong)], question)
    lines = "\n".join(f"{letter}) {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False))
    filled = {name: text.replace("{choices}", lines) for name, text in spec.templates.items()}
    return Problem(
        id=row_id(row, position, spec),
        prompt=messages(replace(spec, templates=filled), template, question),
        ground_truth=json.dumps(ascii_uppercase[choices.index(right)]),
        info={"problem": question, "choices": choices},
    )


def _shuffled(choices: list[str], question: str) -> list[str]:
    return sorted(choices, key=lambda choice: hashlib.sha256(f"{question}\x1f{choice}".encode()).digest())
