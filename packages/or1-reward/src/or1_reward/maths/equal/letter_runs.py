"""Runs of letters: orders (`BAC`), several choices (`ABD`), words; products of letters are left to the grammar."""

from __future__ import annotations

import re
from typing import Final

_RUN: Final = re.compile(r"[A-Z]{2,}|[a-z]{3,}")
_CHOICES: Final = re.compile(r"[A-J](?:[A-J]){1,9}")
_SEPARATED: Final = re.compile(
    r"(?:\\?[({])*([A-J])(?:\\?[)}.])*(?:(?:\s*(?:,|;|&|\\&|-|\\(?:to|rightarrow)(?![a-z]))\s*(?:and(?:\s+|(?=\())|or\s+)?|\s+and\s+"
    r"|(?<=\))and(?=\()|\s+)(?:\\?[({])*([A-J])(?:\\?[)}.])*)+",
    re.IGNORECASE,
)
_SINGLE: Final = re.compile(r"(?<![A-Za-z])[A-J](?![A-Za-z])")
_VARIABLES: Final = tuple(map(frozenset, ("abcd", "xyzwtuv", "pqrst", "klmn")))


def compare_runs(answer: str, gold: str) -> bool | None:
    """True or False where both sides are runs of letters, or the gold is several choices; None for anything else."""
    if _CHOICES.fullmatch(gold) and "".join(sorted(set(gold))) == gold and (listed := _listed(answer)) is not None:
        return listed == set(gold)
    if _CHOICES.fullmatch(answer) and "".join(sorted(set(answer))) == answer and (listed := _listed(gold)) is not None:
        return listed == set(answer)
    if re.fullmatch(r"[A-Z]{3,}", gold) and _SEPARATED.fullmatch(answer) and not re.search(r"\bor\b", answer):
        return "".join(_SINGLE.findall(answer)) == gold  # an order
    first, second = (re.sub(r"\s+", "", side) for side in (answer, gold))
    if not (_RUN.fullmatch(first) and _RUN.fullmatch(second)) or sorted(first) != sorted(second):
        return None
    if first == second:
        return True
    product = any(variables.issuperset(first) for variables in _VARIABLES)
    ordered = "".join(sorted(first)) in (first, second)
    return None if product and ordered else False


def _listed(text: str) -> set[str] | None:
    r"""The choices of `A, B, D`, `(A) and (C)`, `B and C`; None for other texts."""
    if not _SEPARATED.fullmatch(text) or re.search(r"\bor\b", text):
        return None
    return set(_SINGLE.findall(text)) or None
