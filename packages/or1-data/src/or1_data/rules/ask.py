"""Rules about what is asked: proofs, multiple choice, several parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from or1_data.ground_truth import answers
from or1_data.rules.finding import Finding, blank_drawings, found, mask_math
from or1_data.schema import Problem

_CLAUSE: Final = r"(?:^|(?<=[.;:!?。])|(?<=\n)|(?<=\)))\s*"
_PROVE: Final = re.compile(
    _CLAUSE + r"(?:(?:please|then|now|also|hence|first|so|thus|therefore|\(?[a-z]\)|\d+[.)])[\s,]+)*"
    r"((?:prove|disprove|show|demonstrate|justify|verify)\b\s*,?\s*(?:that|the\s+(?:following|inequality|identity|statement|claim)|directly|:|if|there|for\s+(?:all|any|every)|\$|it|your|is))"
    r"|\b((?:prove\s+or\s+disprove|,\s*(?:prove|show)\s+that\b|and\s+prove\s+(?:that|it|your)\b))",
    re.I,
)
_FIND: Final = re.compile(
    r"\b(?:find|determine|compute|calculate|evaluate|what\s+(?:is|are)|how\s+(?:many|much)|simplify|solve\s+for|for\s+(?:which|what)|enter\s+your\s+answer)\b",
    re.I,
)
_TYPED: Final = {"proof", "notfound", "not found", "proved", "see proof", "see solution", "证明略"}


def proof(problem: Problem) -> Iterator[Finding]:
    """Asks for a proof and for nothing that has a value; or the source says so itself."""
    if problem.ability != "math":
        return
    if str(problem.extra_info.get("question_type", "")).lower() == "proof":
        yield Finding("proof", 0, 0, "question_type: proof", "extra_info")
        return
    for answer in answers(problem.ground_truth):
        if answer.strip().lower().rstrip(".") in _TYPED:
            yield Finding("proof", 0, 0, answer, "ground_truth")
            return
    prose = mask_math(problem.statement)
    match = _PROVE.search(problem.statement if "\n" not in prose else prose)
    if match and not _FIND.search(prose):
        group = 1 if match.group(1) else 2
        yield found("proof", problem.statement, match.start(group), match.end(group))


_LABELS: Final = "ABCDE"
_BOLD_OPTION: Final = re.compile(
    r"\\(?:text|textbf|textrm|mathrm|mathbf|bf|rm)\s*\{?\s*\{?\s*\(?([A-E])\s*[).:]?\s*\}?\s*[).:]?"
)
_LINE_OPTION: Final = re.compile(r"(?:^|\n)\s*(?:[-*]\s*)?(?:\*\*)?\(?([A-E])(?:\*\*)?\s*[).:]\s*(?=\S)")
_INLINE_OPTION: Final = re.compile(r"(?:(?<=\s)|(?<=^)|(?<=[.?,;:]))\(?([A-E])\s*[).:]\s*(?=[^\s,;.)])")
_PAREN_OPTION: Final = re.compile(r"(?:(?<=\s)|(?<=^)|(?<=[.?,;:$]))\(([A-E])\)\s*(?=[^\s,;.)])")


def multiple_choice(problem: Problem) -> Iterator[Finding]:
    """Lists at least three lettered options in order, starting with A.

    Letters inside formulas and drawings do not count.
    """
    if problem.ability != "math":
        return
    if str(problem.extra_info.get("question_type", "")).upper() == "MCQ":
        yield Finding("multiple_choice", 0, 0, "question_type: MCQ", "extra_info")
        return
    text = problem.statement
    prose = mask_math(text, fill="m")
    bold = list(_BOLD_OPTION.finditer(blank_drawings(text)))
    for matches, least in (
        (bold, 3),
        (list(_LINE_OPTION.finditer(prose)), 3),
        (list(_PAREN_OPTION.finditer(prose)), 3),
        (list(_INLINE_OPTION.finditer(prose)), 4),
    ):
        run = _options(matches)
        if len(run) >= least and not _only_named(text, run):
            yield found("multiple_choice", text, run[0].start(), run[-1].end())
            return


def _options(matches: list[re.Match[str]]) -> list[re.Match[str]]:
    """The run A, B, C ... that starts at the last A."""
    best: list[re.Match[str]] = []
    run: list[re.Match[str]] = []
    for match in matches:
        label = match.group(1)
        if label == "A":
            run = [match]
        elif run and len(run) < len(_LABELS) and label == _LABELS[len(run)]:
            run.append(match)
        if len(run) > len(best):
            best = list(run)
    return best


def _only_named(text: str, run: list[re.Match[str]]) -> bool:
    """Whether the letters only name things.

    Nothing but a comma or `and` between two of them, or one long story each.
    """
    gaps = [text[one.end() : other.start()] for one, other in pairwise(run)]
    return any(len(gap.strip(" ,.;\\qad$")) == 0 for gap in gaps) or any(len(gap) > 600 for gap in gaps)


_PART: Final = re.compile(
    r"(?:^|(?<=[.;:!?])\s|\n)\s*(?:\*\*)?(?:\(([a-h]|[ivx]{1,4}|[1-9])\)|([a-h]|[ivx]{1,4})[).](?=\s)|(?:part|question)\s+([a-h1-9])\b)",
    re.I,
)
_NUMBERED: Final = re.compile(r"(?:^|\n)\s*(?:\*\*)?([1-9])[.)](?=\s)")
"""Numbered lines; within a line, `2005. It` is no part."""
_ORDERS: Final = (list("abcdefgh"), ["i", "ii", "iii", "iv", "v", "vi"], list("123456789"))
_PART_ASK: Final = re.compile(
    r"\?|(?:^|[,.;:]\s*|\b(?:then|and|please|to)\s+)(?:find|determine|compute|calculate|what|how\s+(?:many|much|long)|prove|show\s+that"
    r"|explain|sketch|evaluate|simplify|solve|which|write|express)\b",
    re.I,
)


def multi_part(problem: Problem) -> Iterator[Finding]:
    """Has labeled parts, at least two of which ask for something; a list of conditions (i), (ii) is no question."""
    if problem.ability != "math":
        return
    text = problem.statement
    prose = mask_math(text)
    labels = [(m.start(), m.end(), (m.group(1) or m.group(2) or m.group(3)).lower()) for m in _PART.finditer(prose)]
    labels += [(m.start(), m.end(), m.group(1)) for m in _NUMBERED.finditer(prose)]
    labels.sort()
    for order in _ORDERS:
        run = _ordered(labels, order)
        if len(run) < 2:
            continue
        ends = [*(start for start, _, _ in run[1:]), len(prose)]
        asks = [s for (s, e, _), end in zip(run, ends, strict=True) if _asks(text[e:end])]
        if len(asks) >= 2:
            yield found("multi_part", text, run[0][0], ends[-1])
            return


def _asks(part: str) -> bool:
    return bool(_PART_ASK.search(part.strip()))


def _ordered(labels: list[tuple[int, int, str]], order: list[str]) -> list[tuple[int, int, str]]:
    run: list[tuple[int, int, str]] = []
    for label in labels:
        if label[2] == order[0]:
            run = [label]
        elif run and len(run) < len(order) and label[2] == order[len(run)]:
            run.append(label)
    return run
