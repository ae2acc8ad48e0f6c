r"""The literals in a programming problem's samples and tests: they survive a new story around the same task.

A sample or test is read as the row of its literals, so that `assert f([1, 2], k=3) == "ab"`, the stdin text `1 2 3`
with the output `ab`, and the call `{"inputs": [[[1, 2], 3]], "outputs": ["ab"]}` are the same: `1 2 3 ab`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from typing import Any, Final

from or1_data.errors import SchemaError
from or1_data.ground_truth import ground_truth_value
from or1_data.text.frequencies import number_weight

_LITERAL: Final = re.compile(r"\"[^\"\n]{0,80}\"|'[^'\n]{0,80}'|-?\d+(?:\.\d+)?|\b(?:true|false|none|null)\b", re.I)
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_WORDS: Final = {"true": "true", "false": "false", "none": "null", "null": "null"}
_SPAN: Final = 3
_CASES: Final = 64
_CASE_CHARS: Final = 2000
"""So many tests of a problem, and so much of each, are enough to know them again."""
_DIGIT_WEIGHT: Final = 2.0
_WORD_WEIGHT: Final = 1.0
_MOST_WEIGHT: Final = 7.0
_ASSERTION: Final = re.compile(r"^\s*assert\b(.*)$", re.M)


def literals(text: str) -> list[str]:
    """The literals of a text in order: numbers without trailing zeros, quoted texts, truth values."""
    return [_normal(found) for found in _LITERAL.findall(text)]


def _normal(found: str) -> str:
    if found[0] in "\"'":
        return found[1:-1].strip()
    if found[-1].isdigit():
        return found.rstrip("0").rstrip(".") if "." in found else found
    return _WORDS[found.lower()]


def spans(text: str) -> dict[str, float]:
    """Every three literals in a row, with how telling they are in nats; counting up and repeating say nothing."""
    found = literals(text)
    runs = (found[start : start + _SPAN] for start in range(len(found) - _SPAN + 1))
    return {"\x1f".join(run): sum(map(_weight, set(run))) for run in runs if not _dull(run)}


def _weight(literal: str) -> float:
    if _NUMBER.fullmatch(literal):
        return _DIGIT_WEIGHT if len(literal.lstrip("-")) == 1 else max(2.5, number_weight([(literal.lstrip("-"), 1)]))
    if literal in ("", *_WORDS.values()):
        return _WORD_WEIGHT
    return min(_MOST_WEIGHT, 1.0 + len(literal))


def _dull(run: list[str]) -> bool:
    """One literal over and over, or numbers that count up."""
    if len(set(run)) < 2:
        return True
    if not all(_NUMBER.fullmatch(literal) for literal in run):
        return False
    steps = {round(second - first, 9) for first, second in pairwise(map(float, run))}
    return len(steps) == 1


def cases(ground_truth: str) -> dict[str, float]:
    """The tests of a ground truth (JSON text) and how telling each is in nats; none for math."""
    try:
        value = ground_truth_value(ground_truth)
    except SchemaError:
        return {}
    found = (literals(text[:_CASE_CHARS]) for text in islice(_texts(value), _CASES)) if isinstance(value, dict) else ()
    return {" ".join(case): sum(map(_weight, set(case))) for case in found if not _dull(case)}


def _texts(value: Mapping[str, Any]) -> Iterator[str]:
    """Each test as one text, the input before the output."""
    inputs, outputs = value.get("inputs"), value.get("outputs")
    if isinstance(inputs, list) and isinstance(outputs, list):
        for given, expected in zip(inputs, outputs, strict=False):
            yield f"{_text(given)} {_text(expected)}"
    code = "\n".join(map(str, value.get("assert_case") or ())) + "\n" + str(value.get("test_code") or "")
    for match in _ASSERTION.finditer(code):
        yield re.sub(r"\b[A-Za-z_]\w*\s*=(?!=)", "", match[1])


def _text(entry: object) -> str:
    if isinstance(entry, list) and all(isinstance(part, str) for part in entry):
        return "\n".join(entry)
    return entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
