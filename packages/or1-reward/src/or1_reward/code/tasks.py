"""From a ground truth to its cases."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from or1_reward.code import livecodebench
from or1_reward.code.asserts import assert_cases, harness_cases
from or1_reward.code.cases import CallCase, Case, CaseError, Checker, StdioCase
from or1_reward.comparison import LIVECODEBENCH, Compare
from or1_reward.ground_truth import AssertTruth, CallTruth, HarnessTruth, LiveCodeBenchTruth, StdioTruth
from or1_reward.sandbox import SandboxConfig
from or1_reward.types import Limits

CodeTruth = StdioTruth | CallTruth | HarnessTruth | AssertTruth | LiveCodeBenchTruth
_QUICK_DIGITS: Final = 4000


def limits_of(truth: CodeTruth, limits: Limits) -> Limits:
    """The caller's limits with those that the row brings along."""
    if isinstance(truth, LiveCodeBenchTruth):
        return limits
    row = truth.limits
    return dataclasses.replace(limits, time_s=row.time_s or limits.time_s, memory_mb=row.memory_mb or limits.memory_mb)


def cases_of(
    truth: CodeTruth,
    checker: Checker | None = None,
    compare: Compare = LIVECODEBENCH,
    packages: Sequence[str] | None = None,
) -> Sequence[Case]:
    """All tests of a problem in the row's order.

    Args:
        truth: the row.
        checker: replaces the comparison of stdin and call tests.
        compare: how outputs are compared where the row does not say.
        packages: what checks may import; None takes the sandbox's default.

    Raises:
        CaseError: the row has no tests or cannot be understood.
    """
    if isinstance(truth, LiveCodeBenchTruth):
        truth = livecodebench.look_up(truth.question_id)
    known = SandboxConfig().packages if packages is None else tuple(packages)
    cases = _cases(truth, checker, truth.compare or compare, known)
    if not cases:
        raise CaseError("the row has no tests, so they would pass any program; drop the row")
    return cases


def _cases(
    truth: StdioTruth | CallTruth | HarnessTruth | AssertTruth,
    checker: Checker | None,
    compare: Compare,
    packages: tuple[str, ...],
) -> Sequence[Case]:
    if isinstance(truth, HarnessTruth):
        return harness_cases(truth, packages, compare)
    if isinstance(truth, AssertTruth):
        return assert_cases(truth, packages, compare)
    if len(truth.inputs) != len(truth.outputs):
        raise CaseError(f"{len(truth.inputs)} inputs but {len(truth.outputs)} outputs")
    pairs = list(zip(truth.inputs, truth.outputs, strict=True))
    if isinstance(truth, StdioTruth):
        return [StdioCase(given, expected, checker, compare, truth.checker) for given, expected in pairs]
    given = [_arguments(truth.fn_name, entry) for entry, _ in pairs]
    cases = [
        _call_case(truth.fn_name, entry, spec, expected, checker, compare)
        for (entry, expected), (spec, _) in zip(pairs, given, strict=True)
    ]
    return _with_row_kind(cases, [arguments for _, arguments in given])


def _call_case(
    fn_name: str, given: Any, arguments: dict[str, Any], expected: Any, checker: Checker | None, compare: Compare
) -> CallCase:
    """Arguments: one JSON value per line, or a native list. Expected: JSON text, or a native value.

    TACO and APPS wrap many native results in a list of one, and write native strings that look like JSON; either form
    is then accepted, as their graders do.
    """
    spec = {"fn_name": fn_name, **arguments}
    if not isinstance(expected, str):
        unwrapped = (expected[0],) if isinstance(expected, list) and len(expected) == 1 else ()
        return CallCase(spec, expected, compare=compare, checker=checker, accept=unwrapped)
    try:
        wanted = parse_json(expected)
    except (ValueError, RecursionError) as error:
        if isinstance(given, str):
            raise _unreadable(fn_name, f"its output is not JSON: {error}") from error
        wanted = expected  # beside native arguments: a native string result
    accept = (expected,) if not isinstance(given, str) and wanted != expected else ()
    return CallCase(spec, wanted, compare=compare, checker=checker, accept=accept)


def parse_json(text: str) -> Any:
    """The value of a JSON text, with integers of any length."""
    return json.loads(text, parse_int=_integer) if len(text) > _QUICK_DIGITS else json.loads(text)


def _integer(digits: str) -> int:
    """An integer; Python's own conversion stops at 4,300 digits."""
    return int(digits) if len(digits) <= _QUICK_DIGITS else int(Decimal(digits))


def _arguments(fn_name: str, given: Any) -> tuple[dict[str, Any], list[Any]]:
    """The arguments of a call, as the jail gets them and as values. CaseError unless JSON lines or a list."""
    if isinstance(given, list | tuple):
        return {"args": list(given)}, list(given)
    if not isinstance(given, str):
        raise _unreadable(fn_name, f"its input is a {type(given).__name__}, not a list of arguments or JSON lines")
    lines = [line for line in given.split("\n") if line.strip()]
    try:
        return {"lines": lines}, [parse_json(line) for line in lines]
    except (ValueError, RecursionError) as error:
        raise _unreadable(fn_name, f"its input is not one JSON value per line: {error}") from error


def _unreadable(fn_name: str, why: str) -> CaseError:
    return CaseError(f"a test of {fn_name} cannot be read, {why}; repair or drop the row")


def _with_row_kind(cases: Sequence[CallCase], given: Sequence[list[Any]]) -> Sequence[CallCase]:
    """Mark problems that are operation lists of a class, or that are to be solved in place.

    In place is only possible where every test's first argument is a list like the expected one, and accepted only where
    a program that changes nothing fails at least one test.
    """
    if all(_is_operations(case, arguments) for case, arguments in zip(cases, given, strict=True)):
        return [dataclasses.replace(case, spec=case.spec | {"operations": True}) for case in cases]
    fits = all(
        arguments and isinstance(arguments[0], list) and isinstance(case.expected, list)
        for case, arguments in zip(cases, given, strict=True)
    )
    if fits and any(case.expected != arguments[0] for case, arguments in zip(cases, given, strict=True)):
        return [dataclasses.replace(case, in_place=True) for case in cases]
    return cases


def _is_operations(case: CallCase, arguments: list[Any]) -> bool:
    """LeetCode's design problems: ["LRUCache", "put", ...] and [[2], [1, 1], ...]."""
    if len(arguments) != 2 or not all(isinstance(part, list) and part for part in arguments):
        return False
    operations, given = arguments
    return (
        operations[0] == case.spec["fn_name"]
        and all(isinstance(name, str) and name.isidentifier() for name in operations)
        and len(operations) == len(given)
        and all(isinstance(part, list) for part in given)
    )
