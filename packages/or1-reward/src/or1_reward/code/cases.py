"""The tests of a problem: what goes into the jail, and how what comes out is judged outside of it.

The expected side of a case is only ever read here, in the grading process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from or1_reward.code.compare import same_output, same_value
from or1_reward.sandbox.inside import values
from or1_reward.sandbox.worker import JailReport

_OPEN_BYTES, _SLACK_BYTES, _MOST_EXPANSION = 4 << 20, 1 << 16, 32
Checker = Callable[[str, str, str], bool]


class CaseError(ValueError):
    """A row's test cannot be understood: our failure or the data set's, never the program's."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a test that ran through is passed; `got` and `note` are for people."""

    passed: bool
    got: str
    note: str = ""


class Case(Protocol):
    """One test. `mode` and `blobs` are what the jail gets, `decide` judges its report."""

    @property
    def mode(self) -> str:
        """How the jail runs it: stdio, call or check."""

    @property
    def shown(self) -> tuple[str, str]:
        """Input and expected side, for people."""

    def blobs(self) -> tuple[bytes, ...]:
        """What the jail gets."""

    def decide(self, report: JailReport) -> Outcome:
        """Judge a report of a program that ended by itself with exit code 0."""


@dataclass(frozen=True, slots=True)
class StdioCase:
    """Text in, text out; `checker(input, expected, got)` decides where several outputs are valid."""

    given: str
    expected: str
    checker: Checker | None = None
    mode: str = "stdio"

    @property
    def shown(self) -> tuple[str, str]:
        """Input and expected output."""
        return self.given, self.expected

    def blobs(self) -> tuple[bytes, ...]:
        """Standard input, with the line ends of this platform."""
        return (self.given.replace("\r\n", "\n").encode("utf-8", "surrogateescape"),)

    def decide(self, report: JailReport) -> Outcome:
        """Compare the text on standard output."""
        got = report.stdout.decode("utf-8", "replace")
        same = same_output(self.expected, got) if self.checker is None else self.checker(self.given, self.expected, got)
        return Outcome(bool(same), got)


@dataclass(frozen=True, slots=True)
class CallCase:
    """One call or expression in, one value out. `relation` says how the value must relate to `expected`."""

    spec: dict[str, Any]
    expected: Any
    relation: str = "json"  # json, ==, !=, is, is not, truthy, falsy
    checker: Checker | None = None
    accept: tuple[Any, ...] = field(default=())
    mode: str = "call"

    @property
    def shown(self) -> tuple[str, str]:
        """The call and the expected value."""
        if "expression" in self.spec:
            return str(self.spec["expression"]), f"{self.relation} {self.expected!r}"
        return f"{self.spec['fn_name']}({', '.join(_brief(argument) for argument in self.spec['args'])})", _brief(
            self.expected
        )

    def blobs(self) -> tuple[bytes, ...]:
        """The call, without its expected value."""
        return (json.dumps(self.spec).encode(),)

    def decide(self, report: JailReport) -> Outcome:
        """Rebuild the returned value from plain data and compare it here."""
        if len(report.result) > self._most_bytes():
            return Outcome(False, f"a value of {len(report.result)} bytes", "too large to be the expected one")
        try:
            got = values.decode(json.loads(report.result)["value"])
            return Outcome(self._holds(got), _brief(got))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            text = report.result.decode("utf-8", "replace")
            return Outcome(False, text, f"no value came back ({type(error).__name__})")

    def _most_bytes(self) -> int:
        """Larger than any encoding of the expected value: a flood is not worth parsing, and would cost us memory."""
        is_open = self.checker is not None or self.relation in {"!=", "is not", "truthy", "falsy"}
        return _OPEN_BYTES if is_open else _SLACK_BYTES + _MOST_EXPANSION * len(repr(self.expected))

    def _holds(self, got: Any) -> bool:
        if self.checker is not None:
            given = json.dumps(self.spec.get("args", self.spec.get("expression")))
            return bool(self.checker(given, json.dumps(self.expected), json.dumps(got, default=repr)))
        if self.relation == "json":
            return any(same_value(expected, got) for expected in (self.expected, *self.accept))
        return _RELATIONS[self.relation](got, self.expected)


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda got, expected: bool(got == expected),
    "!=": lambda got, expected: bool(got != expected),
    "is": lambda got, expected: got is expected,
    "is not": lambda got, expected: got is not expected,
    "truthy": lambda got, _: bool(got),
    "falsy": lambda got, _: not got,
}


@dataclass(frozen=True, slots=True)
class CheckCase:
    """Checks that are more than one comparison; they run in a jail of their own and ask the program by messages."""

    checks: str
    prefix: str
    known: tuple[str, ...]
    entry_point: str = ""
    call_check: bool = False
    mode: str = "check"

    @property
    def shown(self) -> tuple[str, str]:
        """The checks themselves."""
        return self.checks, "every assert passes"

    def blobs(self) -> tuple[bytes, ...]:
        """For the program: prefix and known classes. For the judge: the checks."""
        shared = {"prefix": self.prefix, "known": list(self.known)}
        judge = shared | {"entry_point": self.entry_point, "call_check": self.call_check}
        return json.dumps(shared).encode(), self.checks.encode(), json.dumps(judge).encode()

    def decide(self, report: JailReport) -> Outcome:
        """The judge's word, which no model code could touch: passed, with at least one assert seen."""
        try:
            word = json.loads(report.judged)
        except ValueError:
            word = {}
        outcome, asserts = word.get("outcome", word.get("message", "the checks did not end")), word.get("asserts", 0)
        if str(outcome).startswith("unsendable: "):
            raise CaseError(f"{outcome}; such a check cannot be judged from outside")
        if outcome == "passed" and not asserts and not word.get("asked"):
            raise CaseError("the checks ran through without asking the program and without a single assert")
        passed = outcome == "passed" and asserts > 0  # a program that leads around every assert has proved nothing
        return Outcome(passed, str(outcome), f"{asserts} asserts passed")


def _brief(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return f"{type(value).__name__} {value!r:.200}"
    except (ValueError, RecursionError):
        return f"{type(value).__name__}, too large or too deep to be shown"
