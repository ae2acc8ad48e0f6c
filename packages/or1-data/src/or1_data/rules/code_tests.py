"""The rule about a code problem's tests: empty, incomplete, contradictory or unreadable."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterator
from typing import Any

from or1_data.ground_truth import ground_truth_value
from or1_data.rules.finding import Finding
from or1_data.schema import Problem


def bad_tests(problem: Problem) -> Iterator[Finding]:
    """Says what is wrong with the tests, and with which one."""
    if problem.ability != "code":
        return
    fields = ground_truth_value(problem.ground_truth)
    checks = {"stdio": _stdio, "call": _call, "harness": _harness, "assert": _asserts}
    reason = checks[problem.kind](fields) if problem.kind in checks else ""
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
    if len(outputs) > 4 and len({" ".join(output.split()) for output in outputs}) == 1:
        return f"all {len(outputs)} outputs are the same: a constant passes"
    return ""


def _call(fields: dict[str, Any]) -> str:
    if reason := _pairs(fields):
        return reason
    for index, (given, wanted) in enumerate(zip(fields["inputs"], fields["outputs"], strict=True)):
        for entry in (given, wanted):
            lines = entry.split("\n") if isinstance(entry, str) else []
            if any(line.strip() and not _is_json(line) for line in lines):
                return f"test {index} is not JSON, one value a line"
    return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _harness(fields: dict[str, Any]) -> str:
    tree, reason = _parsed(fields["test_code"])
    if tree is None:
        return reason
    checks = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "check"]
    if not checks:
        return "test_code defines no check(candidate)"
    return (
        "" if any(isinstance(node, ast.Assert) for node in ast.walk(checks[0])) else "check(candidate) asserts nothing"
    )


def _asserts(fields: dict[str, Any]) -> str:
    cases = fields["assert_case"]
    if not isinstance(cases, list) or not cases:
        return "no assertions"
    for index, case in enumerate(cases):
        tree, reason = _parsed(str(case))
        if tree is None or not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
            return f"assertion {index}: {reason or 'asserts nothing'}"
    return ""


def _parsed(code: str) -> tuple[ast.AST | None, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(code), ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return None, f"does not parse ({error})"
