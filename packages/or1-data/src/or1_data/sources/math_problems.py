"""Adapters of math sets. Each docstring shows the shape of a row (values made up)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from or1_data.errors import SchemaError
from or1_data.schema import Problem, make_problem
from or1_data.sources.fields import Row, answer, boxed, info, optional_text, text

_CALCULATOR = re.compile(r"<<[^<>]*?=?([^<>=]*)>>")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def gsm8k(row: Row, source: str) -> Problem:
    r"""A row of GSM8K.

    {"question": "Tom has 2 hens ...", "answer": "He has 2+3=<<2+3=5>>5 hens.\n#### 5"}
    """
    solution, mark, gold = text(row, "answer").rpartition("####")
    if not mark:
        raise SchemaError("no '#### answer' line", key="answer", todo="this is not a GSM8K row; pick another --source")
    gold = gold.strip().replace(",", "")
    return make_problem(
        text(row, "question"), gold, ability="math", data_source=source, solution=_worked(solution, gold)
    )


def _worked(solution: str, gold: str) -> str:
    """The solution with the result that it comes to in a box.

    That is the value of its last calculation, or the last number of its last line where that is the gold.
    """
    values = _CALCULATOR.findall(solution)
    plain = _CALCULATOR.sub("", solution).strip()
    ending = _NUMBER.findall(plain.rsplit("\n", maxsplit=1)[-1])
    found = [value.replace(",", "") for value in (*values[-1:], *ending[-1:])]
    if not values or not found:
        return plain
    result = next((value for value in found if _same_number(value, gold)), found[0])
    return f"{plain}\n\\boxed{{{result}}}"


def _same_number(one: str, other: str) -> bool:
    try:
        return abs(float(one) - float(other)) < 1e-6
    except ValueError:
        return one.strip() == other.strip()


def math(row: Row, source: str) -> Problem:
    r"""A row of MATH.

    {"problem": "Compute $1+1$.", "level": "Level 1", "type": "Algebra", "solution": "... $\\boxed{2}$."}
    """
    solution = text(row, "solution")
    gold = answer(row, "answer") if row.get("answer") else boxed(solution)
    return _problem(row, source, text(row, "problem"), gold, "level", "type", "subject", "unique_id")


def deepscaler(row: Row, source: str) -> Problem:
    r"""A row of DeepScaleR; answers may be floats.

    {"problem": "Find $x$ ...", "answer": "7", "solution": "...", "difficulty": 4.0}
    """
    return _problem(
        row, source, text(row, "problem"), answer(row, "answer"), "difficulty", "year", "unique_id", "url", "type"
    )


def omni_math(row: Row, source: str) -> Problem:
    r"""A row of Omni-MATH.

    {"domain": ["Mathematics -> Algebra"], "difficulty": 4.5, "problem": "...", "solution": "...", "answer": "64",
     "source": "HMMT_2"}
    """
    return _problem(row, source, text(row, "problem"), answer(row, "answer"), "domain", "difficulty", "source")


def numina(row: Row, source: str) -> Problem:
    r"""A row of NuminaMath-1.5.

    {"problem": "...", "solution": "...", "answer": "3", "problem_type": "Algebra",
     "question_type": "math-word-problem", "source": "olympiads", "synthetic": false, "problem_is_valid": "Yes",
     "solution_is_valid": "Yes"}

    The subset is part of the source name. Rows whose answer is `proof` or `notfound` stay readable: the rules drop them
    and say so; only an empty answer is a broken row.
    """
    subset = optional_text(row, "source")
    keys = ("problem_type", "question_type", "synthetic", "problem_is_valid", "solution_is_valid")
    return _problem(row, f"{source}_{subset}" if subset else source, text(row, "problem"), answer(row, "answer"), *keys)


def still3(row: Row, source: str) -> Problem:
    """STILL-3: `{"question": "...", "answer": "12"}`, or `problem` in place of `question`."""
    return _problem(row, source, text(row, "question", "problem"), answer(row, "answer"), "subject", "unique_id")


def olympiadbench(row: Row, source: str) -> Problem:
    r"""A row of OlympiadBench.

    {"id": 1, "question": "...", "context": null, "final_answer": ["2"], "is_multiple_answer": false, "unit": null,
     "answer_type": "Numerical"}

    With several answers wanted at once (`is_multiple_answer`) the list is one answer, not alternatives.
    """
    statement = "\n\n".join(filter(None, [optional_text(row, "context"), text(row, "question", "problem")]))
    gold = answer(row, "final_answer", "answer")
    if isinstance(gold, list):
        gold = ", ".join(gold) if row.get("is_multiple_answer") else gold
    return _problem(row, source, statement, gold, "subfield", "answer_type", "unit", "is_multiple_answer")


def gsm_hard(row: Row, source: str) -> Problem:
    """GSM-Hard: `{"input": "Tom has 20391 hens ...", "code": "def solution(): ...", "target": 20394.0}`."""
    return _problem(row, source, text(row, "input"), answer(row, "target"))


def svamp(row: Row, source: str) -> Problem:
    """SVAMP: `{"Body": "Tom has 2 hens.", "Question": "How many ...?", "Equation": "( 2.0 + 3.0 )", "Answer": 5.0}`."""
    body = text(row, "Body").strip()
    statement = f"{body}{'' if body.endswith(('.', '!', '?')) else '.'} {text(row, 'Question').strip()}"
    return _problem(row, source, statement, answer(row, "Answer"), "Type")


def chat_answer(row: Row, source: str) -> Problem:
    """Open-Reasoner-Zero: `{"prompt": [{"from": "user", "value": "..."}], "final_answer": "73"}`."""
    prompt = row.get("prompt")
    turns = [turn for turn in prompt if isinstance(turn, Mapping)] if isinstance(prompt, list) else []
    asked = [str(turn.get("value", "")) for turn in turns if turn.get("from") in ("user", "human")]
    statement = text({"prompt": "\n\n".join(asked)}, "prompt")
    return _problem(row, source, statement, answer(row, "final_answer"))


def problem_answer(row: Row, source: str) -> Problem:
    """Any set with `{"problem": "..." , "answer": "..."}`, the shape of most benchmark files."""
    return _problem(
        row, source, text(row, "problem", "question"), answer(row, "answer"), "id", "subject", "level", "unique_id"
    )


def aime(row: Row, source: str) -> Problem:
    """AIME: `{"ID": "1983-1", "Year": 1983, "Problem Number": 1, "Question": "...", "Answer": "60", "Part": null}`."""
    return _problem(row, source, text(row, "Question"), answer(row, "Answer"), "ID", "Year", "Problem Number", "Part")


def boxed_solution(row: Row, source: str) -> Problem:
    r"""A set whose answer is only in the solution.

    {"problem": "...", "solution": "\\boxed{204}"}
    """
    return _problem(row, source, text(row, "problem"), boxed(text(row, "solution")))


def _problem(row: Row, source: str, statement: str, gold: object, *kept: str) -> Problem:
    solution = row.get("solution")
    return make_problem(
        statement,
        gold,
        ability="math",
        data_source=source,
        solution="\n\n".join(map(str, solution)) if isinstance(solution, list) else optional_text(row, "solution"),
        extra_info=info(row, *kept),
    )
