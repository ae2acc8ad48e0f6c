r"""What a programming problem says in words, when code surrounds it: a function to complete, or a whole program.

    def near(values: list, limit: float) -> bool:
        \"\"\"Are two of the values closer than the limit?\"\"\"

says `Are two of the values closer than the limit?`, and its names are `near`, `values` and `limit`. A statement in
front of its starter code is told by that statement.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from or1_data.text.canonical import strip_asy
from or1_data.text.core import core_text

_CODE_LINE: Final = re.compile(
    r"^[ \t]*(?:def \w+\s*\(|class \w+\s*[:({]|import \w|from [\w.]+ import |#include\b|function \w*\s*\(.*\{[ \t]*$"
    r"|(?:const|let|var) \w+\s*=|[A-Za-z_][\w<>\[\], *&]*[ *&]\w+\s*\(.*\)\s*\{[ \t]*$|/\*\*?[ \t]*$|//[ \t]*\S)",
    re.M,
)
_COMMENT: Final = re.compile(
    r'"""(.*?)(?:"""|\Z)'
    r"|'''(.*?)(?:'''|\Z)"
    r"|/\*(.*?)(?:\*/|\Z)"
    r"|((?:^[ \t]*(?://|#(?!include|define))[^\n]*\n?)+)",
    re.S | re.M,
)
_SIGNATURE: Final = re.compile(
    r"\bdef\s+(\w+)\s*\(([^)]{0,400})\)|\bfunction\s+(\w+)\s*\(([^)]{0,400})\)"
    r"|^[A-Za-z_][\w<>\[\] *&]*?[ *&](\w+)\s*\(([^)]{0,400})\)\s*\{",
    re.M,
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TYPE_NAMES: Final = """
str int list float bool any tuple dict set self char void const string vector array none null optional typing integer
"""
_TYPES: Final = frozenset(_TYPE_NAMES.split())
_LEAST_WORDS: Final = 12
"""With fewer words in front of the code, the code's comments are the statement."""


class Told(NamedTuple):
    """The words of a statement, those of the names in its first signature, and whether it is code itself."""

    words: str
    names: list[str]
    is_code: bool


def told(statement: str) -> Told:
    """The statement without its code."""
    statement = strip_asy(statement)
    first = _CODE_LINE.search(statement)
    if first is None:
        return Told(core_text(statement), [], False)
    before, code = statement[: first.start()].replace("```", " "), statement[first.start() :]
    names = _names(code)
    if len(before.split()) >= _LEAST_WORDS:
        return Told(core_text(before), names, False)
    return Told(split_names(f"{before} {_longest_comment(code)}"), names, True)


def split_names(text: str) -> str:
    """`countPairs` and `count_pairs` as `count pairs`."""
    return _CAMEL.sub(" ", text).replace("_", " ")


def _longest_comment(code: str) -> str:
    found = (next(part for part in match.groups() if part is not None) for match in _COMMENT.finditer(code))
    return max(found, key=len, default="")


def signature(statement: str) -> str:
    """The first function signature in a statement without its spaces; empty where there is none."""
    found = _SIGNATURE.search(statement)
    return re.sub(r"\s+", "", found[0]) if found else ""


def _names(code: str) -> list[str]:
    signature = _SIGNATURE.search(code)
    text = " ".join(part for part in signature.groups() if part) if signature else ""
    words = re.findall(r"[A-Za-z]+", split_names(text))
    return [word.lower() for word in words if word.lower() not in _TYPES]
