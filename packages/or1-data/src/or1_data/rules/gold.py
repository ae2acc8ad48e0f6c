"""Rules about the gold answer of a math row: none at all, prose, yes or no, or marked as invalid by its source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from or1_data.ground_truth import answers
from or1_data.rules.finding import Finding
from or1_data.schema import Problem

_NONE: Final = frozenset(
    {
        "", "n/a", "na", "none", "null", "nan", "nil", "unknown", "tbd", "todo", "no answer", "not available",
        "not applicable", "not given", "not provided", "answer not found", "missing", "cannot be determined",
        "can not be determined", "cannot determine", "undetermined", "indeterminate", "not enough information",
        "insufficient information", "insufficient data", "see solution", "omitted", "略", "无", "无法确定", "[]", "{}",
    }
)  # fmt: skip
_YES_NO: Final = frozenset({"yes", "no", "true", "false", "correct", "incorrect", "是", "否"})
_TEXT: Final = re.compile(r"\\(?:text|textbf|textrm|mathrm|mbox|boxed)\s*\{([^{}]*)\}")
_WORD: Final = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_JOINING: Final = frozenset(
    ["and", "or", "if", "is", "the", "for", "all", "any", "where", "with", "in", "of", "to", "are", "no", "real"]
)
_PROSE_WORDS: Final = 5
_FLAGS: Final = ("problem_is_valid", "solution_is_valid")


def plain(answer: str) -> str:
    r"""An answer without the markup around words: `\text{N/A}.` is `n/a`."""
    text = _TEXT.sub(r"\1", answer).replace("$", " ").replace("\\", " ") if "\\" in answer or "$" in answer else answer
    return " ".join(text.split()).strip(" .?!:;-_*()").lower()


def no_answer(problem: Problem) -> Iterator[Finding]:
    """The gold says that there is none, such as `n/a`, `None`, `?`: any verifier would judge it equal to itself."""
    if problem.ability == "math":
        for answer in answers(problem.ground_truth):
            if plain(answer) in _NONE:
                yield Finding("no_answer", 0, 0, answer, "ground_truth")
                return


def yes_no(problem: Problem) -> Iterator[Finding]:
    """The gold is yes, no, true or false: guessed right every second time. A note, no reason to drop by default."""
    if problem.ability == "math":
        golds = answers(problem.ground_truth)
        if golds and all(plain(answer) in _YES_NO for answer in golds):
            yield Finding("yes_no", 0, 0, golds[0], "ground_truth")


def prose_answer(problem: Problem) -> Iterator[Finding]:
    """The gold is a sentence: no comparison of values can grade it."""
    if problem.ability == "math":
        for answer in answers(problem.ground_truth):
            words = [word for word in _WORD.findall(_TEXT.sub(r" \1 ", answer)) if word.lower() not in _JOINING]
            if len(words) >= _PROSE_WORDS:
                yield Finding("prose_answer", 0, 0, answer[:160], "ground_truth")
                return


def marked_invalid(problem: Problem) -> Iterator[Finding]:
    """The source itself marks the problem or its solution as not valid (NuminaMath-1.5)."""
    for flag in _FLAGS:
        value = problem.extra_info.get(flag)
        if value is not None and str(value).strip().lower() not in ("yes", "true", ""):
            yield Finding("marked_invalid", 0, 0, f"{flag}: {value}", "extra_info")
            return
