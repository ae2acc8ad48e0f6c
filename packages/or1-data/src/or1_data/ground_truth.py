"""The ground truth as data: JSON text whose shape says the kind (the row format shared with verl).

Math is a string, a number or a list of alternatives; code is an object whose keys say the kind. A key whose value is
null does not count: `datasets.map` pads rows with the keys of other rows, which once sent code rows to the wrong
grader.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from or1_data.errors import SchemaError

Kind = Literal["answer", "stdio", "call", "harness", "assert", "livecodebench"]

_KEY: Final = "reward_model.ground_truth"
_CODE: Final[dict[Kind, tuple[frozenset[str], frozenset[str]]]] = {
    "call": (frozenset({"inputs", "outputs", "fn_name"}), frozenset()),
    "stdio": (frozenset({"inputs", "outputs"}), frozenset()),
    "harness": (frozenset({"test_code", "entry_point"}), frozenset({"import_prefix"})),
    "assert": (frozenset({"assert_case"}), frozenset({"import_prefix"})),
    "livecodebench": (frozenset({"question_id"}), frozenset()),
}
_WORDS_IN_MATH: Final = re.compile(r"\\(?:text|textbf|textit|textrm|mathrm|mbox)\s*\{([^{}]*)\}")
_NO_TEXT: Final = re.compile(r"[\d\\=+*/^_<>|{}\[\]]")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_FUNCTIONS: Final = frozenset(
    ["sin", "cos", "tan", "cot", "sec", "csc", "log", "exp", "sqrt", "max", "min", "gcd", "lcm", "mod"]
)


def ground_truth_text(value: object) -> str:
    """The JSON text of a ground truth given as text or as an object.

    Text that is no JSON is a math answer and becomes a JSON string; so does a JSON list of bare numbers given as
    text (`[7, 47]` is an interval or a point, while alternatives are written as strings).

    Raises:
        SchemaError: an empty answer, or a type that no kind has.
    """
    if isinstance(value, str):
        return _from_text(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    _checked(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ground_truth_kind(text: str) -> Kind:
    """Which kind of problem a ground truth (JSON text) makes.

    Raises:
        SchemaError: not JSON, or of no known kind.
    """
    return _checked(_decoded(text))


def ground_truth_value(text: str) -> Any:
    """The object behind the JSON text; null keys of code problems left out."""
    value = _decoded(text)
    return {key: entry for key, entry in value.items() if entry is not None} if isinstance(value, dict) else value


def answers(text: str) -> list[str]:
    """The alternatives of a math ground truth as text; empty for code."""
    value = _decoded(text)
    if isinstance(value, dict):
        return []
    entries = value if isinstance(value, list) else [value]
    return [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]


def is_text(answer: str) -> bool:
    """Whether a math answer is words, such as `Tuesday`: what can only be compared letter by letter."""
    plain = _WORDS_IN_MATH.sub(r"\1", answer).replace("$", " ")
    words = _WORD.findall(plain)
    return bool(words) and not _NO_TEXT.search(plain) and not _FUNCTIONS.issuperset(word.lower() for word in words)


def _from_text(text: str) -> str:
    if not text.strip():
        raise SchemaError("the ground truth is empty", key=_KEY, todo="give an answer or drop the row")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return json.dumps(text, ensure_ascii=False)
    if isinstance(value, list) and len(value) > 1 and not any(isinstance(entry, str) for entry in value):
        return json.dumps(text, ensure_ascii=False)
    if value is None or isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return json.dumps(text, ensure_ascii=False)
    _checked(value)
    return text


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaError(
            f"the ground truth is not JSON text ({error})", key=_KEY, todo="write it with json.dumps"
        ) from error


def _checked(value: object) -> Kind:
    if isinstance(value, Mapping):
        return _code_kind({str(key): entry for key, entry in value.items() if entry is not None})
    entries = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
    if not entries:
        raise SchemaError(
            "the ground truth is an empty list", key=_KEY, todo="give at least one answer or drop the row"
        )
    for entry in entries:
        number = isinstance(entry, int | float) and not isinstance(entry, bool) and math.isfinite(entry)
        if not (number or (isinstance(entry, str) and entry.strip())):
            raise SchemaError(
                f"{entry!r} is not a math answer", key=_KEY, todo="give a string, a number or a list of them"
            )
    return "answer"


def _code_kind(fields: dict[str, Any]) -> Kind:
    for kind, (required, optional) in _CODE.items():
        if required <= fields.keys() <= required | optional:
            return kind
    raise SchemaError(
        f"an object with the keys {sorted(fields)} is not a known kind of code problem",
        key=_KEY,
        todo="expected inputs + outputs [+ fn_name], test_code + entry_point [+ import_prefix], assert_case, or question_id",  # noqa: E501
    )
