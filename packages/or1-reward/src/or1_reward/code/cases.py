"""The tests of a problem: what goes into the jail, and how what comes out is judged outside of it.

The expected side of a case is only ever read here, in the grading process.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from or1_reward.code.bounded import CHECKER_LIMIT_S, CallFailedError, call_within
from or1_reward.code.compare import equal, same_as_json, same_output
from or1_reward.comparison import LIVECODEBENCH, Compare
from or1_reward.sandbox.inside import safe_json, values
from or1_reward.sandbox.worker import JailReport

_OPEN_BYTES, _SLACK_BYTES, _MOST_EXPANSION = 1 << 20, 1 << 16, 16
_JUDGED_BYTES: Final = 1 << 20
_NOTHING: Final = object()
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

    @property
    def row_prefix(self) -> str:
        """Code of the row that runs before the program."""

    def blobs(self) -> tuple[bytes, ...]:
        """What the jail gets."""

    def decide(self, report: JailReport) -> Outcome:
        """Judge a report of a program that ended by itself with exit code 0."""


def to_bytes(text: str) -> bytes:
    """UTF-8; lone surrogates, which no text of a row should have, pass through."""
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class StdioCase:
    """Text in, text out; `checker(input, expected, got)` decides where several outputs are valid.

    `checker_program` is a row's checker, which is run in a jail of its own after the program.
    """

    given: str
    expected: str
    checker: Checker | None = None
    compare: Compare = LIVECODEBENCH
    checker_program: str = ""
    mode: str = "stdio"
    row_prefix: str = ""

    @property
    def shown(self) -> tuple[str, str]:
        """Input and expected output."""
        return self.given, self.expected

    def blobs(self) -> tuple[bytes, ...]:
        """Standard input, with the line ends of this platform."""
        return (to_bytes(self.given.replace("\r\n", "\n")),)

    def decide(self, report: JailReport) -> Outcome:
        """Compare the text on standard output."""
        got = report.stdout.decode("utf-8", "replace")
        if self.checker is None:
            return Outcome(same_output(self.expected, got, self.compare), got)
        return _checked(self.checker, self.given, self.expected, got)


def _checked(checker: Checker, given: str, expected: str, got: str) -> Outcome:
    """What a checker of the caller's says; where it fails on what the program wrote, that is wrong.

    Raises:
        CaseError: the checker fails on the expected output too, so the fault is its own.
    """
    try:
        return Outcome(call_within(CHECKER_LIMIT_S, lambda: checker(given, expected, got)), got)
    except CallFailedError as error:
        note = f"the checker failed on this output: {error}"
    try:
        call_within(CHECKER_LIMIT_S, lambda: checker(given, expected, expected))
    except CallFailedError as error:
        raise CaseError(f"the checker fails on the expected output itself: {error}") from error
    return Outcome(False, got, note)


@dataclass(frozen=True, slots=True)
class CallCase:
    """One call or expression in, one value out. `relation` says how the value must relate to `expected`.

    `spec` is what the jail gets; `in_place` accepts a method that returns None and leaves the expected value in its
    first argument.
    """

    spec: dict[str, Any]
    expected: Any
    relation: str = "json"  # json, ==, !=, is, is not, truthy, falsy
    compare: Compare = LIVECODEBENCH
    checker: Checker | None = None
    accept: tuple[Any, ...] = field(default=())
    in_place: bool = False
    mode: str = "call"

    @property
    def row_prefix(self) -> str:
        """Code of the row that runs before the program."""
        return str(self.spec.get("prefix", ""))

    @property
    def shown(self) -> tuple[str, str]:
        """The call and the expected value."""
        if "expression" in self.spec:
            return str(self.spec["expression"]), f"{self.relation} {brief(self.expected)}"
        given = self.spec["lines"] if "lines" in self.spec else map(brief, self.spec["args"])
        return f"{self.spec['fn_name']}({', '.join(given)})", brief(self.expected)

    def blobs(self) -> tuple[bytes, ...]:
        """The call, without its expected value."""
        return (json.dumps(self.spec).encode(),)

    def decide(self, report: JailReport) -> Outcome:
        """Rebuild the returned value from plain data and compare it here."""
        most = self._most_bytes()
        if len(report.result) > most:
            return Outcome(False, f"a value of {len(report.result)} bytes", "too large to be the expected one")
        try:
            said = safe_json.loads(report.result, most)
            got = values.decode(said["value"])
            argument = values.decode(said["argument"]) if self.in_place and "argument" in said else _NOTHING
        except (ValueError, KeyError, TypeError) as error:
            text = report.result.decode("utf-8", "replace")
            return Outcome(False, text, f"no value came back ({type(error).__name__})")
        try:
            return self._judge(got, argument)
        except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
            return Outcome(False, brief(got), f"the value cannot be compared ({type(error).__name__})")

    def _judge(self, got: Any, argument: Any) -> Outcome:
        if self.checker is not None:
            given = json.dumps(self.spec.get("args", self.spec.get("lines", self.spec.get("expression"))))
            return _checked(self.checker, given, brief(self.expected), json.dumps(got, default=repr))
        if self._holds(got):
            return Outcome(True, brief(got))
        if argument is not _NOTHING and got is None and self._holds(argument):
            return Outcome(True, brief(argument), "the value that the method left in its first argument")
        return Outcome(False, brief(got))

    def _most_bytes(self) -> int:
        """Larger than any encoding of the expected value: a flood is not worth parsing, and would cost us memory."""
        if self.checker is not None or self.relation in {"!=", "is not", "truthy", "falsy"}:
            return _OPEN_BYTES
        return _SLACK_BYTES + _MOST_EXPANSION * len(values.to_bytes(values.encode(self.expected)))

    def _holds(self, got: Any) -> bool:
        if self.relation == "json":
            return any(same_as_json(expected, got, self.compare) for expected in (self.expected, *self.accept))
        return _RELATIONS[self.relation](got, self.expected, self.compare)


_RELATIONS: dict[str, Callable[[Any, Any, Compare], bool]] = {
    "==": lambda got, expected, compare: equal(expected, got, compare),
    "!=": lambda got, expected, compare: not equal(expected, got, compare),
    "is": lambda got, expected, _: got is expected,
    "is not": lambda got, expected, _: got is not expected,
    "truthy": lambda got, *_: bool(got),
    "falsy": lambda got, *_: not got,
}


@dataclass(frozen=True, slots=True)
class CheckCase:
    """Checks that are more than one comparison; they run in a jail of their own and ask the program by messages.

    `asked` are the names that are resolved in the program, `live` the classes among them whose objects work with
    operators, `known` the row's own classes, whose objects travel as data. `modules` are names under which the checks
    import the program; `captures` sends along what the program prints.
    """

    checks: str
    prefix: str
    known: tuple[str, ...]
    asked: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    helpers: str = ""
    entry_point: str = ""
    modules: tuple[str, ...] = ()
    captures: bool = False
    call_check: bool = False
    test_functions: bool = False
    mode: str = "check"

    @property
    def row_prefix(self) -> str:
        """Code of the row that runs before the program."""
        return self.prefix

    @property
    def shown(self) -> tuple[str, str]:
        """The checks themselves."""
        return self.checks, "every assert passes"

    def blobs(self) -> tuple[bytes, ...]:
        """For the program: prefix and classes. For the judge: the checks."""
        shared = {"prefix": self.prefix, "known": self.known}
        candidate = shared | {"live": self.live, "captures": self.captures}
        judge = shared | {
            "asked": self.asked,
            "helpers": self.helpers,
            "entry_point": self.entry_point,
            "modules": self.modules,
            "call_check": self.call_check,
            "test_functions": self.test_functions,
        }
        return json.dumps(candidate).encode(), to_bytes(self.checks), json.dumps(judge).encode()

    def decide(self, report: JailReport) -> Outcome:
        """The judge's word, which no model code could touch: passed, with at least one assert seen."""
        word = _word(report.judged)
        outcome = str(word.get("outcome", word.get("message", "the checks did not end")))
        asserts = word["asserts"] if isinstance(word.get("asserts"), int) else 0
        if outcome.startswith("row: "):
            raise CaseError(f"the row's own code fails, {outcome.removeprefix('row: ')}; repair or drop the row")
        if outcome == "passed" and not asserts and not word.get("asked"):
            raise CaseError("the checks ran through without asking the program and without a single assert")
        passed = outcome == "passed" and asserts > 0  # a program that leads around every assert has proved nothing
        return Outcome(passed, outcome, f"{asserts} asserts passed")


def _word(judged: bytes) -> dict[str, Any]:
    """The judge's report; empty when it did not get to write one."""
    try:
        said = safe_json.loads(judged, _JUDGED_BYTES)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def brief(value: Any) -> str:
    """A value as text for people."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return f"{type(value).__name__} {value!r:.200}"
    except (ValueError, RecursionError):
        return f"{type(value).__name__}, too large or too deep to be shown"
