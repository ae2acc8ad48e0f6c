"""The rule about a code problem's tests: empty, incomplete, contradictory or unreadable.

Whatever a verifier must refuse (no tests, checks that assert nothing, code or JSON that does not parse) is found here
first, so that such a row is dropped with a reason and never reaches training as one that cannot be graded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from or1_data.ground_truth import Kind, ground_truth_value
from or1_data.rules.checks import asserts_something, defined_check, parsed
from or1_data.rules.finding import Finding
from or1_data.rules.undefined import undefined_names
from or1_data.schema import Problem

_ENOUGH: Final = 5
"""From so many tests on, outputs that are all the same are suspicious."""


def bad_tests(problem: Problem) -> Iterator[Finding]:
    """Says what is wrong with the tests, and with which one."""
    if problem.ability != "code":
        return
    reason = _CHECKS[problem.kind](ground_truth_value(problem.ground_truth))
    if reason:
        yield Finding("bad_tests", 0, 0, reason, "ground_truth")


def _pairs(fields: dict[str, Any]) -> str:
    inputs, outputs = fields["inputs"], fields["outputs"]
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        return "inputs and outputs are not lists"
    if not inputs:
        return "no tests"
    if len(inputs) != len(outputs):
        return f"{len(inputs)} inputs but {len(outputs)} outputs"
    seen: dict[str, tuple[int, str]] = {}
    for index, (given, wanted) in enumerate(zip(inputs, outputs, strict=True)):
        key, value = json.dumps(given), json.dumps(wanted)
        if key in seen and seen[key][1].split() != value.split():
            return f"tests {seen[key][0]} and {index} have the same input and different outputs"
        seen[key] = (index, value)
    return ""


def _text(entry: Any) -> str | None:
    if isinstance(entry, list) and all(isinstance(line, str) for line in entry):
        return "\n".join(entry)
    return entry if isinstance(entry, str) else None


def _stdio(fields: dict[str, Any]) -> str:
    if reason := _pairs(fields):
        return reason
    for index, pair in enumerate(zip(fields["inputs"], fields["outputs"], strict=True)):
        given, wanted = map(_text, pair)
        if given is None or wanted is None:
            return f"test {index} is not text"
        if given.rstrip().endswith("...") or wanted.rstrip().endswith("..."):
            return f"test {index} is cut off with '...'"
    outputs = [str(_text(entry)) for entry in fields["outputs"]]
    if not any(output.strip() for output in outputs):
        return "every output is empty"
    if len(outputs) >= _ENOUGH and len({" ".join(output.split()) for output in outputs}) == 1:
        return f"all {len(outputs)} outputs are the same: a constant passes"
    return ""


def _call(fields: dict[str, Any]) -> str:
    if not _name(fields["fn_name"]):
        return "fn_name is no name"
    if reason := _pairs(fields):
        return reason
    for index, (given, wanted) in enumerate(zip(fields["inputs"], fields["outputs"], strict=True)):
        if reason := _call_test(given, wanted):
            return f"test {index}: {reason}"
    return ""


def _call_test(given: Any, wanted: Any) -> str:
    """Arguments are a list, or text of one JSON value a line; a result is a value, or text of one JSON value."""
    if isinstance(given, str):
        if not all(_is_json(line) for line in given.split("\n") if line.strip()):
            return "the input is not JSON, one value a line"
        return "the output is not JSON of one value" if isinstance(wanted, str) and not _is_json(wanted) else ""
    return "" if isinstance(given, list) else "the input is no list of arguments"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _harness(fields: dict[str, Any]) -> str:
    if not _name(fields["entry_point"]):
        return "entry_point is no name"
    entry_point, reason = parsed(fields["entry_point"])
    if entry_point is None:
        return f"entry_point {reason}"
    tree, reason = parsed(fields["test_code"])
    if tree is None:
        return f"test_code {reason}"
    check = defined_check(tree)
    if check is None:
        return "test_code defines no check(candidate)"
    if not asserts_something(check):
        return "check(candidate) asserts nothing"
    prefix, reason = parsed(fields.get("import_prefix", ""))
    if prefix is None:
        return f"import_prefix {reason}"
    missing = undefined_names(tree, prefix, entry_point)
    return f"test_code uses {', '.join(missing)}, which nothing in the row defines" if missing else ""


def _asserts(fields: dict[str, Any]) -> str:
    cases = fields["assert_case"]
    if not isinstance(cases, list) or not cases:
        return "no assertions"
    for index, case in enumerate(cases):
        tree, reason = parsed(case.strip() if isinstance(case, str) else case)
        if tree is None or not asserts_something(tree):
            return f"assertion {index}: {reason or 'asserts nothing'}"
    return _prefix(fields)


def _prefix(fields: dict[str, Any]) -> str:
    _, reason = parsed(fields.get("import_prefix", ""))
    return reason and f"import_prefix {reason}"


def _question(fields: dict[str, Any]) -> str:
    question = fields["question_id"]
    known = isinstance(question, int | str) and not isinstance(question, bool) and question != ""
    return "" if known else "question_id is neither text nor a number"


_CHECKS: Final[Mapping[Kind, Callable[[dict[str, Any]], str]]] = {
    "stdio": _stdio,
    "call": _call,
    "harness": _harness,
    "assert": _asserts,
    "livecodebench": _question,
}
