r"""Formulas of a text: `$...$`, `$$...$$`, `\(...\)`, `\[...\]` and displayed environments, found in linear time."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

from or1_reward.maths.extract.prose import is_prose

_MARK: Final = re.compile(
    r"\$\$|(?<!\\)\$|\\\[|\\\]|\\\(|\\\)|\\begin\{(?:equation|align)\*?\}|\\end\{(?:equation|align)\*?\}"
)
_CLOSER: Final = {"$$": "$$", "$": "$", "\\[": "\\]", "\\(": "\\)", "\\begin": "\\end"}


class Formula(NamedTuple):
    """A formula from `start` to `end` of its text; `content` without its marks, of an alignment its last row."""

    start: int
    end: int
    content: str


def formulas(text: str) -> list[Formula]:
    """All formulas in order; `$18 a day, so she makes $36` holds two amounts of money and no formula."""
    return list(_scanned(text, [(match.start(), match.end(), match[0]) for match in _MARK.finditer(text)]))


def _scanned(text: str, marks: list[tuple[int, int, str]]) -> Iterator[Formula]:
    places: dict[str, list[int]] = {}
    for at, (_, _, mark) in enumerate(marks):
        places.setdefault(_kind(mark), []).append(at)
    at = 0
    while at < len(marks):
        start, behind, mark = marks[at]
        close = _next(places.get(_CLOSER.get(_kind(mark), ""), []), at + 1)
        if close is None or marks[close][0] == behind:
            at += 1
            continue
        content = text[behind : marks[close][0]].strip()
        if not content or (mark == "$" and _is_money(content)):
            at += 1
            continue
        yield Formula(start, marks[close][1], _last_row(content) if mark.startswith("\\begin") else content)
        at = close + 1


def _kind(mark: str) -> str:
    return mark.partition("{")[0]


def _next(places: list[int], at: int) -> int | None:
    found = bisect_left(places, at)
    return places[found] if found < len(places) else None


def _is_money(content: str) -> bool:
    return content[0].isdigit() and "\\" not in content and is_prose(content)


def _last_row(content: str) -> str:
    """The last row of an alignment, where derivations end."""
    rows = [row.replace("&", " ").strip() for row in content.split("\\\\")]
    return next((row for row in reversed(rows) if row), content)
