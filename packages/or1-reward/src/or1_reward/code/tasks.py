"""From a ground truth to its cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from or1_reward.code import livecodebench
from or1_reward.code.asserts import assert_cases, harness_cases
from or1_reward.code.cases import CallCase, Case, CaseError, Checker, StdioCase
from or1_reward.ground_truth import AssertTruth, CallTruth, HarnessTruth, LiveCodeBenchTruth, StdioTruth

CodeTruth = StdioTruth | CallTruth | HarnessTruth | AssertTruth | LiveCodeBenchTruth


def cases_of(truth: CodeTruth, checker: Checker | None = None) -> Sequence[Case]:
    """All tests of a problem in the row's order; `checker` replaces the comparison of stdin and call tests.

    Raises:
        CaseError: the row has no tests or cannot be understood.
    """
    if isinstance(truth, LiveCodeBenchTruth):
        truth = livecodebench.look_up(truth.question_id)
    cases = _cases(truth, checker)
    if not cases:
        raise CaseError("the row has no tests, so they would pass any program; drop the row")
    return cases


def _cases(truth: StdioTruth | CallTruth | HarnessTruth | AssertTruth, checker: Checker | None) -> Sequence[Case]:
    if isinstance(truth, HarnessTruth):
        return harness_cases(truth)
    if isinstance(truth, AssertTruth):
        return assert_cases(truth)
    if len(truth.inputs) != len(truth.outputs):
        raise CaseError(f"{len(truth.inputs)} inputs but {len(truth.outputs)} outputs")
    pairs = zip(truth.inputs, truth.outputs, strict=True)
    if isinstance(truth, StdioTruth):
        return [StdioCase(given, expected, checker) for given, expected in pairs]
    return [_call_case(truth.fn_name, given, expected, checker) for given, expected in pairs]


def _call_case(fn_name: str, given: Any, expected: Any, checker: Checker | None) -> CallCase:
    """Arguments: one JSON value per line, or a native list. Expected: JSON text, or a native value.

    TACO and APPS wrap many native results in a list of one; either form is then accepted, as their graders do.
    """
    args = _arguments(fn_name, given)
    if not isinstance(expected, str):
        unwrapped = (expected[0],) if isinstance(expected, list) and len(expected) == 1 else ()
        return CallCase({"fn_name": fn_name, "args": args}, expected, checker=checker, accept=unwrapped)
    try:
        wanted = json.loads(expected)
    except (ValueError, RecursionError) as error:
        if isinstance(given, str):
            raise _unreadable(fn_name, f"its output is not JSON: {error}") from error
        wanted = expected  # beside native arguments: a native string result
    return CallCase({"fn_name": fn_name, "args": args}, wanted, checker=checker)


def _arguments(fn_name: str, given: Any) -> list[Any]:
    """The arguments of one call. CaseError for anything but JSON lines or a list."""
    if isinstance(given, list | tuple):
        return list(given)
    if not isinstance(given, str):
        raise _unreadable(fn_name, f"its input is a {type(given).__name__}, not a list of arguments or JSON lines")
    try:
        return [json.loads(line) for line in given.split("\n") if line.strip()]
    except (ValueError, RecursionError) as error:
        raise _unreadable(fn_name, f"its input is not one JSON value per line: {error}") from error


def _unreadable(fn_name: str, why: str) -> CaseError:
    return CaseError(f"a test of {fn_name} cannot be read, {why}; repair or drop the row")
