"""Instructions that a source wraps around its problems, found from the rows themselves.

Most rows of a source share them word for word; they are whole sentences, and they speak of how to answer.
What rows share and does not speak of that, such as the text of a generated template, belongs to the problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, NamedTuple, TypeVar

from or1_data.schema import INSTRUCTIONS, Problem
from or1_data.templates import messages

_SAMPLE_ROWS: Final = 256
_SAMPLE_CHARS: Final = 1 << 22
"""So many rows of a source are looked at, fewer where rows carry long tests."""
_LEAST_ROWS: Final = 3
_SHARE: Final = 0.6
_LEAST_WORDS: Final = 5
_TO_BOUNDARY: Final = re.compile(r"(?s)\A.*(?:[.:!?。：]|\n)(?:\s|\Z)+")
_FROM_BOUNDARY: Final = re.compile(r"(?s)(?:\A(?=\s)|(?<=[.:!?。$})\]])(?=\s)|(?<=\n)).*\Z")
_ON_ANSWERING: Final = re.compile(
    r"\\boxed|step[ -]by[ -]step|final answer|your (?:final )?(?:answer|response|solution|reasoning|program|code)"
    r"|<think>|think(?:ing)? (?:carefully|about)|reason(?:ing)? (?:process|before|step)|markdown|code block|```"
    r"|solve the following"
    r"|(?:python|c\+\+|java) (?:program|code|function|solution)|output format|answer in|推理|最终答案",
    re.I,
)


Row = TypeVar("Row")


class Wrapping(NamedTuple):
    """What stands before and behind the problems of a source; empty where nothing is shared."""

    prefix: str = ""
    suffix: str = ""


def find_wrapping(statements: Sequence[str]) -> Wrapping:
    """The instructions that most of some statements share."""
    different = sorted(set(statements))
    if len(different) < _LEAST_ROWS:
        return Wrapping()
    prefix = _whole(_TO_BOUNDARY, _shared_start(different))
    backwards = sorted(text.removeprefix(prefix)[::-1] for text in different)
    suffix = _whole(_FROM_BOUNDARY, _shared_start(backwards)[::-1])
    return Wrapping(prefix, suffix)


def _shared_start(texts: Sequence[str]) -> str:
    """The longest start that enough of the sorted texts share."""
    count = max(_LEAST_ROWS, -(-len(texts) * int(100 * _SHARE) // 100))
    runs = (_common_start(texts[i], texts[i + count - 1]) for i in range(len(texts) - count + 1))
    return max(runs, key=len, default="")


def _common_start(one: str, other: str) -> str:
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def _whole(boundary: re.Pattern[str], shared: str) -> str:
    """The whole sentences of a shared text, if they are instructions."""
    found = boundary.search(shared)
    text = found[0] if found else ""
    return text if len(text.split()) >= _LEAST_WORDS and _ON_ANSWERING.search(text) else ""


def unwrapped(problem: Problem, wrapping: Wrapping) -> Problem:
    """The problem with the shared instructions apart from its statement; its prompt stays as it is."""
    statement, prefix, suffix = problem.statement, "", ""
    if wrapping.prefix and statement.startswith(wrapping.prefix.lstrip()):
        prefix, statement = wrapping.prefix.strip(), statement.removeprefix(wrapping.prefix.lstrip())
    if wrapping.suffix and statement.endswith(wrapping.suffix.rstrip()):
        suffix, statement = wrapping.suffix.strip(), statement.removesuffix(wrapping.suffix.rstrip())
    if not (prefix or suffix) or not statement.strip():
        return problem
    known = problem.extra_info.get(INSTRUCTIONS) or {}
    apart = {
        "prefix": "\n".join(filter(None, [known.get("prefix", ""), prefix])),
        "suffix": "\n".join(filter(None, [suffix, known.get("suffix", "")])),
    }
    found = replace(problem, statement=statement.strip(), extra_info={**problem.extra_info, INSTRUCTIONS: apart})
    is_bare = [message["content"] for message in problem.prompt] == [problem.statement]
    return replace(found, prompt=messages(found.statement)) if is_bare and known else found


def sample_of(rows: Iterator[Row], size: Callable[[Row], int]) -> list[Row]:
    """The first rows, taken from the iterator; `size` is about the characters of one."""
    sample: list[Row] = []
    chars = 0
    while len(sample) < _SAMPLE_ROWS and chars < _SAMPLE_CHARS and (row := next(rows, None)) is not None:
        sample.append(row)
        chars += size(row)
    return sample


def without_wrapping(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems of one source, with what they are wrapped in apart."""
    rows = iter(problems)
    first = sample_of(rows, lambda problem: len(problem.statement) + len(problem.ground_truth))
    wrapping = find_wrapping([problem.statement for problem in first])
    return (unwrapped(problem, wrapping) for problem in chain(first, rows))
