"""What a rule says of a row, and which parts of a statement are mathematics rather than prose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

from or1_data.schema import Problem


class Finding(NamedTuple):
    """A rule's match: `text` is what matched, at `start:end` of the field `where`."""

    rule: str
    start: int
    end: int
    text: str
    where: Literal["statement", "ground_truth", "extra_info"] = "statement"


Rule = Callable[[Problem], Iterator[Finding]]

_MATHS: Final = re.compile(
    r"\[asy\].*?(?:\[/asy\]|\Z)|\\begin\{(?:tikzpicture|asy|picture|pspicture)\}.*?(?:\\end\{(?:tikzpicture|asy|picture|pspicture)\}|\Z)"
    r"|```.*?(?:```|\Z)|(?<!\\)\$\$.*?(?<!\\)\$\$|(?<!\\)\$(?:[^$\\]|\\.)*\$|\\\[.*?\\\]|\\\(.*?\\\)",
    re.S | re.I,
)


def mask_math(text: str, fill: str = " ") -> str:
    """The text with mathematics, drawings and fenced code filled and closed by a space, the rest in its place."""
    return _MATHS.sub(lambda found: fill * (found.end() - found.start() - 1) + " ", text)


_DRAWING: Final = re.compile(
    r"\[asy\].*?(?:\[/asy\]|\Z)|\\begin\{(tikzpicture|asy|picture|pspicture)\}.*?(?:\\end\{\1\}|\Z)", re.S | re.I
)


def blank_drawings(text: str) -> str:
    """The text with drawings given as source replaced by spaces, the rest in its place."""
    return _DRAWING.sub(lambda match: " " * len(match.group(0)), text)


def found(rule: str, text: str, start: int, end: int) -> Finding:
    """A finding in a statement, its text cut to what people read."""
    return Finding(rule, start, end, text[start : min(end, start + 160)])
