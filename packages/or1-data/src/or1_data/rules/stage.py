"""The rules as a stage: every row is noted with what was found, nothing is dropped here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from or1_data.rules.ask import multi_part, multiple_choice, proof
from or1_data.rules.checker import needs_checker
from or1_data.rules.code_tests import bad_tests
from or1_data.rules.finding import Finding, Rule
from or1_data.rules.gold import marked_invalid, no_answer, prose_answer, yes_no
from or1_data.rules.medium import drawing, language, missing_figure, url
from or1_data.schema import Problem

RULES: Final[Mapping[str, Rule]] = {
    "proof": proof,
    "multiple_choice": multiple_choice,
    "multi_part": multi_part,
    "url": url,
    "missing_figure": missing_figure,
    "drawing": drawing,
    "language": language,
    "bad_tests": bad_tests,
    "needs_checker": needs_checker,
    "no_answer": no_answer,
    "prose_answer": prose_answer,
    "yes_no": yes_no,
    "marked_invalid": marked_invalid,
}


def find(problem: Problem, rules: Sequence[str] = tuple(RULES)) -> list[Finding]:
    """What the named rules find in one problem."""
    return [finding for name in rules for finding in RULES[name](problem)]


def annotate_rules(problems: Iterable[Problem], rules: Sequence[str] = tuple(RULES)) -> Iterator[Problem]:
    """Each problem with the note `rules`: a list of {rule, start, end, text, where}, absent if nothing was found."""
    for problem in problems:
        findings = find(problem, rules)
        yield problem.with_note("rules", [finding._asdict() for finding in findings] or None)
