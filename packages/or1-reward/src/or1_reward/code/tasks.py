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
    try:
        args = (
            [json.loads(line) for line in given.split("\n") if line.strip()] if isinstance(given, str) else list(given)
        )
        wanted = json.loads(expected) if isinstance(expected, str) else expected
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(expected, str) and not isinstance(given, str):
            wanted = expected  # a native string result
        else:
            raise CaseError(f"a test of {fn_name} is not JSON ({error}); repair or drop the row") from error
    unwrapped = (
        (wanted[0],) if not isinstance(expected, str) and isinstance(expected, list) and len(expected) == 1 else ()
    )
    return CallCase({"fn_name": fn_name, "args": args}, wanted, checker=checker, accept=unwrapped)
