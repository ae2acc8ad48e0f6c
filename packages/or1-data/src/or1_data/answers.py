"""Answers that can be trusted: the gold verifies as itself, the solution says the same, a listed program passes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from or1_data.dedup.same import Comparison
from or1_data.ground_truth import answers, is_text
from or1_data.schema import Problem
from or1_data.verifying import Verifier, VerifierFailed, correct, judged

NOTE: Final = "answers"
_PROGRAMS: Final = 32
_SHOWN_CHARS: Final = 300


def annotate_answers(problems: Iterable[Problem], verifier: Verifier) -> Iterator[Problem]:
    """Each problem with the note `answers`.

    Math: `gold_verifies` (the gold in a box is judged right against itself) and `in_solution` (the solution's text is
    judged right; None without one). A gold in words is equal to itself for any verifier, which says nothing: it is
    `text_answer`, and `gold_verifies` is None. Code: `solution_passes` (one of at most 32 listed programs passes all
    tests; None without any). What fails is said under `why`. A check that the verifier itself could not make is absent,
    and `failed` says why.
    """
    for problem in problems:
        yield problem.with_note(NOTE, check(problem, verifier))


def check(problem: Problem, verifier: Verifier) -> dict[str, Any]:
    """The note of one problem."""
    note: dict[str, Any] = {}
    try:
        (_check_math if problem.ability == "math" else _check_code)(problem, verifier, note)
    except VerifierFailed as error:
        note["failed"] = str(error)[:_SHOWN_CHARS]
    return note


def _check_math(problem: Problem, verifier: Verifier, note: dict[str, Any]) -> None:
    golds = answers(problem.ground_truth)
    note["in_solution"] = None
    _check_golds(problem, golds, verifier, note)
    if problem.solution.strip():
        said = judged(verifier, problem.solution, problem.ground_truth)
        note["in_solution"] = said.right
        if not said.right:
            note.setdefault("why", f"the solution's answer is {said.extracted!r}"[:_SHOWN_CHARS])


def _check_golds(problem: Problem, golds: list[str], verifier: Verifier, note: dict[str, Any]) -> None:
    """Every alternative must verify: one that cannot be read would quietly never be accepted."""
    pairs = [(gold, json.dumps(gold)) for gold in golds] + [(golds[0], problem.ground_truth)]
    unread = [gold for gold, truth in pairs if not correct(verifier, boxed(gold), truth)]
    note["gold_verifies"] = not unread
    if not unread and all(map(is_text, golds)):
        note["gold_verifies"], note["text_answer"] = None, True
    if unread:
        note["why"] = f"{unread[0]!r} is not judged equal to itself"[:_SHOWN_CHARS]


def _check_code(problem: Problem, verifier: Verifier, note: dict[str, Any]) -> None:
    listed = [problem.solution, *map(str, problem.extra_info.get("solutions") or [])]
    programs = [program for program in listed if program.strip()][:_PROGRAMS]
    note["solution_passes"] = None
    for program in programs:
        said = judged(verifier, f"```python\n{program}\n```", problem.ground_truth)
        note["solution_passes"] = said.right
        if said.right:
            note.pop("why", None)
            return
        note.setdefault("why", f"the first of {len(programs)} listed programs: {said.why}"[:_SHOWN_CHARS])


def boxed(answer: str) -> str:
    """An answer as a model would give it."""
    return f"The final answer is \\boxed{{{answer}}}."


def by_verifier(verifier: Verifier) -> Comparison:
    """How the duplicate search compares ground truths with a verifier; None where the verifier itself fails."""

    def alike(one: str, other: str) -> bool | None:
        try:
            return correct(verifier, boxed(one), json.dumps(other)) or correct(verifier, boxed(other), json.dumps(one))
        except VerifierFailed:
            return None

    def passes(program: str, ground_truth: str) -> bool | None:
        try:
            return correct(verifier, f"```python\n{program}\n```", ground_truth)
        except VerifierFailed:
            return None

    return Comparison(alike, passes)
