"""A row -> a `Problem`: the row format that verl and the OR1 packages share, or columns of problem and answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from or1_eval.errors import TaskError
from or1_eval.tasks.rows import Row
from or1_eval.tasks.spec import AS_GIVEN, Columns, TaskSpec
from or1_eval.types import Message, Problem, Task

_PROBLEM_NAMES = ("problem", "question", "Question", "Problem", "prompt", "input")
_ANSWER_NAMES = ("answer", "final_answer", "Answer", "ground_truth", "target", "gold", "solution")
_ID_NAMES = ("id", "unique_id", "problem_id", "task_id", "ID")


def problem_from_row(row: Row, position: int, spec: TaskSpec, template: str) -> Problem:
    """One problem, its prompt made with the named template of the task.

    Raises:
        TaskError: the row has no problem or no answer; names the row.
    """
    if isinstance(row.get("reward_model"), Mapping):
        return _from_shared_format(row, position, spec, template)
    columns = spec.columns
    where = f"{spec.name}, row {position}"
    question = row[_column(row, columns.problem, _PROBLEM_NAMES, "problem", where)]
    if not isinstance(question, str):
        raise TaskError(
            f"{where}: the problem must be text, not {type(question).__name__}; name its column under [columns]"
        )
    if not question.strip():
        raise TaskError(f"{where}: the problem is empty")
    answer = row[_column(row, columns.answer, _ANSWER_NAMES, "answer", where)]
    return Problem(
        id=row_id(row, position, spec),
        prompt=messages(spec, template, question),
        ground_truth=_truth(answer, columns, where),
        info={"problem": question},
    )


def with_system(task: Task, system: str) -> Task:
    """The task with another system message in front of every problem; "" takes it away."""
    return replace(task, problems=tuple(_with_system(problem, system) for problem in task.problems))


def _with_system(problem: Problem, system: str) -> Problem:
    if isinstance(problem.prompt, str) or not isinstance(problem.prompt[0], Mapping):
        raise TaskError(f"problem {problem.id!r} is not a chat, so it cannot have a system message")
    rest = [message for message in problem.prompt if isinstance(message, Mapping) and message["role"] != "system"]
    given = [{"role": "system", "content": system}] if system else []
    return replace(problem, prompt=[*given, *rest])


def messages(spec: TaskSpec, template: str, question: str) -> list[Message]:
    """The chat messages of a question under a template; braces in the question stay as they are."""
    text = question if template == AS_GIVEN else spec.templates[template].replace("{problem}", question)
    system = [{"role": "system", "content": spec.system}] if spec.system else []
    return [*system, {"role": "user", "content": text}]


def _from_shared_format(row: Row, position: int, spec: TaskSpec, template: str) -> Problem:
    """A row of the shared format brings its prompt; a task with templates puts its own instruction in its place."""
    given = row.get("prompt")
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise TaskError(f"{spec.name}, row {position}: 'prompt' must be a list of messages")
    if "ground_truth" not in row["reward_model"]:
        raise TaskError(f"{spec.name}, row {position}: 'reward_model' has no 'ground_truth'")
    prompt: list[Message] = [dict(message) for message in given]
    question = prompt[-1]["content"]
    if template != AS_GIVEN and len(prompt) == 1:
        question = _without_instruction(question, spec)
        prompt = messages(spec, template, question)
    return Problem(
        id=row_id(row, position, spec),
        prompt=prompt,
        ground_truth=row["reward_model"]["ground_truth"],
        info={"problem": question, "data_source": row.get("data_source", "")},
    )


def _without_instruction(text: str, spec: TaskSpec) -> str:
    for template in spec.templates.values():
        before, _, after = template.partition("{problem}")
        if (before or after) and text.startswith(before) and text.endswith(after) and len(text) > len(before + after):
            return text[len(before) : len(text) - len(after)]
    return text


def row_id(row: Row, position: int, spec: TaskSpec) -> str:
    """The row's own id, or the task's name with its position."""
    if spec.columns.id:
        if spec.columns.id not in row:
            raise TaskError(f"{spec.name}, row {position}: no column {spec.columns.id!r}; there are {', '.join(row)}")
        return str(row[spec.columns.id])
    given = next((row[name] for name in _ID_NAMES if row.get(name) is not None), None)
    return f"{spec.name}-{position}" if given is None else str(given)


def _column(row: Row, named: str, usual: Sequence[str], what: str, where: str) -> str:
    if named and named not in row:
        raise TaskError(f"{where}: no column {named!r}; there are {', '.join(row)}")
    found = named or next((name for name in usual if name in row), "")
    if found and row[found] is None:
        raise TaskError(f"{where}: the {what} is null (column {found!r}); name another column under [columns]")
    if not found:
        raise TaskError(f"{where}: which column is the {what}? there are {', '.join(row)}; name it under [columns]")
    return found


def _truth(answer: Any, columns: Columns, where: str) -> Any:
    """Text is quoted as JSON, so that an answer that looks like a JSON list stays the text it is."""
    if not isinstance(answer, str):
        return answer
    if columns.answer_after:
        if columns.answer_after not in answer and "\n" in answer.strip():
            raise TaskError(f"{where}: the answer should come after {columns.answer_after!r}, which is not there")
        answer = answer.rpartition(columns.answer_after)[2].strip()
    return json.dumps(answer)
