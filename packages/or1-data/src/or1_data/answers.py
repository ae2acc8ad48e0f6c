"""Answers that can be trusted: the gold verifies as itself, the solution says the same, a listed program passes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from or1_data.ground_truth import answers
from or1_data.schema import Problem
from or1_data.verifying import Verifier, VerifierFailed, correct

NOTE: Final = "answers"
_PROGRAMS: Final = 32


def annotate_answers(problems: Iterable[Problem], verifier: Verifier) -> Iterator[Problem]:
    """Each problem with the note `answers`.

    Maths: `gold_verifies` (the gold in a box is judged right against itself) and `in_solution` (the solution's text is
    judged right; None without one). Code: `solution_passes` (one of at most 32 listed programs passes all tests; None
    without any). A check that the verifier itself could not make is None, and `failed` says why.
    """
    for problem in problems:
        yield problem.with_note(NOTE, check(problem, verifier))


def check(problem: Problem, verifier: Verifier) -> dict[str, Any]:
    """The note of one problem."""
    note: dict[str, Any] = {}
    try:
        if problem.ability == "math":
            note["gold_verifies"] = _gold_verifies(problem, verifier)
            note["in_solution"] = _in_solution(problem, verifier)
        else:
            note["solution_passes"] = _solution_passes(problem, verifier)
    except VerifierFailed as error:
        note["failed"] = str(error)[:200]
    return note


def _gold_verifies(problem: Problem, verifier: Verifier) -> bool:
    """Every alternative must verify: one that cannot be read would quietly never be accepted."""
    golds = answers(problem.ground_truth)
    return all(correct(verifier, boxed(gold), json.dumps(gold)) for gold in golds) and correct(
        verifier, boxed(golds[0]), problem.ground_truth
    )


def _in_solution(problem: Problem, verifier: Verifier) -> bool | None:
    if not problem.solution.strip():
        return None
    return correct(verifier, problem.solution, problem.ground_truth)


def _solution_passes(problem: Problem, verifier: Verifier) -> bool | None:
    listed = [problem.solution, *map(str, problem.extra_info.get("solutions") or [])]
    programs = [program for program in listed if program.strip()][:_PROGRAMS]
    if not programs:
        return None
    return any(correct(verifier, f"```python\n{program}\n```", problem.ground_truth) for program in programs)


def boxed(answer: str) -> str:
    """An answer as a model would give it."""
    return f"The final answer is \\boxed{{{answer}}}."


def same_answer(verifier: Verifier) -> Callable[[str, str], bool]:
    """`SameAnswer` of the duplicate search, by the verifier: alike one way or the other."""

    def alike(one: str, other: str) -> bool:
        try:
            return correct(verifier, boxed(one), json.dumps(other)) or correct(verifier, boxed(other), json.dumps(one))
        except VerifierFailed:
            return False

    return alike
