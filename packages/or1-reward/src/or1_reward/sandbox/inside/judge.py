"""The judge's side of a checked test: the row's own checks, in a process and a jail that hold no model code.

Only the names that the row asks of the program are resolved there; everything else is the row's, Python's or the common
import prelude's. So a candidate can return a wrong value, but it can neither see an expectation, nor touch an assert,
nor decide how a comparison ends. Each assert is counted as it passes; a check that passed none proves nothing.
"""

from __future__ import annotations

import ast
import builtins
import copy
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from . import evidence, runner, testing
from .channel import receive_message
from .program import Program
from .remote import CandidateGone, Link, ProgramModule


class _Names(dict[str, Any]):
    """Globals of the checks: the names in `asked` are the program's, unless the checks define them."""

    link: Link
    asked: frozenset[str] = frozenset()

    def __missing__(self, name: str) -> Any:
        if name in self.asked:
            return self.of_program(name)
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise NameError(f"name {name!r} is not defined")

    def of_program(self, name: str) -> Any:
        """The value of a name in the program."""
        answer = self.link.ask(do="name", name=name)
        if answer.get("missing"):
            raise NameError(f"name {name!r} is not defined by the program")
        return self.link.value(answer["value"])


class RowFaultError(Exception):
    """The row's own code fails before the program is asked for anything."""


def run(program: Program, spec: dict[str, Any]) -> NoReturn:
    """Run the checks (`program`) against the candidate behind the session descriptor and report how they ended."""

    def step() -> None:
        counts = evidence.Counts()
        outcome = _outcome(program.source, spec, counts)
        runner.report({"outcome": outcome, "asserts": counts.held, "asked": counts.asked})

    runner.run_guarded(step, runner.leave_at_once)


def run_prefix(program: Program) -> NoReturn:
    """Run a row's prefix alone: whether it is at fault itself when a program behind it fails."""

    def step() -> None:
        try:
            exec(compile(program.source, "<prefix>", "exec", dont_inherit=True), {"__name__": "solution"})
        except BaseException as error:
            runner.report({"outcome": f"{type(error).__name__}: {error}"})
        else:
            runner.report({"outcome": "passed"})

    runner.run_guarded(step, runner.leave_at_once)


def _outcome(source: bytes, spec: dict[str, Any], counts: evidence.Counts) -> str:
    """`passed`, or what went wrong in words."""
    try:
        names, tree = _prepare(source, spec, counts)
    except RowFaultError as error:
        return f"row: {error}"
    try:
        if receive_message(names.link.channel).get("ready") is not True:
            return "gone: the program answered nonsense"
        try:
            _run_checks(names, tree, spec)
        finally:
            counts.asked = names.link.asked
    except (CandidateGone, EOFError) as error:
        return f"gone: {error}"
    except AssertionError as error:
        return f"failed: {error}"
    except (Exception, SystemExit) as error:  # a check may raise anything when the candidate is wrong
        return f"raised {type(error).__name__}: {error}"
    return "passed"


def _prepare(source: bytes, spec: dict[str, Any], counts: evidence.Counts) -> tuple[_Names, ast.Module]:
    """The names that the checks begin with, and the checks with their asserts counted."""
    own: dict[str, Any] = {"__name__": "check"}
    try:
        exec(compile(spec.get("prefix", ""), "<prefix>", "exec", dont_inherit=True), own)
        exec(compile(spec.get("helpers", ""), "<helpers>", "exec", dont_inherit=True), own)
    except BaseException as error:
        raise RowFaultError(f"import_prefix fails: {type(error).__name__}: {error}") from error
    classes = {name: found for name in spec["known"] if isinstance(found := own.get(name), type)}
    names = _Names({name: value for name, value in own.items() if name not in spec["asked"]})
    names.link = Link(socket.socket(fileno=runner.SESSION_FD), classes, _show)
    names.asked = frozenset(spec["asked"])
    names[evidence.COUNT], names[evidence.COUNT_CAUGHT] = counts.count, counts.count_caught
    names[evidence.EQUAL] = equal_to_snapshot
    for module in spec["modules"]:
        sys.modules[module] = ProgramModule(names.__getitem__)
    testing.install(counts)
    tree = evidence.rewritten(ast.parse(source), frozenset(spec["asked"]) | {"candidate"}, frozenset(spec["modules"]))
    return names, tree


def _run_checks(names: _Names, tree: ast.Module, spec: dict[str, Any]) -> None:
    if spec.get("entry_point"):
        answer = names.link.ask(do="evaluate", expression=spec["entry_point"])
        names["candidate"] = names.link.value(answer["value"])
    exec(compile(tree, "<check>", "exec", dont_inherit=True), names)
    if spec.get("call_check"):
        names["check"](names["candidate"])
    elif spec.get("test_functions"):
        testing.run_all(names)


def equal_to_snapshot(expected: Any, ask: Callable[[], Any]) -> bool:
    """Compare a value of the program with what was expected before the program was asked for it."""
    kept = copy.deepcopy(expected)
    return bool(ask() == kept)


def _show(text: str) -> None:
    """What the program has printed goes where the checks look for it."""
    if text:
        sys.stdout.write(text)
