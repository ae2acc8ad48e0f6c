"""The judge's side of a harness test: the row's own checks, in a process and a jail that hold no model code.

Every name that the checks do not define is a `Remote`: using it asks the candidate's process, and what comes back is
plain data rebuilt here. So a candidate can return a wrong value, but it can neither see an expectation, nor touch an
assert, nor decide how a comparison ends. Each assert is counted as it passes; a check that passed none proves nothing.
"""

from __future__ import annotations

import ast
import builtins
import socket
from collections.abc import Iterator
from typing import Any, NoReturn

from . import runner, values
from .candidate import receive_message, send_message
from .program import Program

_COUNTER = "__or1_assert_passed__"
_NEVER_RAISED = (AssertionError, StopIteration, StopAsyncIteration)


class CandidateError(Exception):
    """An exception type of the program's own."""


class UnsendableError(BaseException):
    """A check hands the program what only lives here, e.g. a function of its own: no verdict can be had this way."""


class CandidateGone(BaseException):
    """The candidate's process ended or spoke nonsense; no `except Exception` of a check may swallow it."""


class Link:
    """Questions to the candidate's process, one at a time."""

    def __init__(self, channel: socket.socket, classes: dict[str, type]) -> None:
        self.channel = channel
        self.classes = classes
        self.asked = 0  # questions that ran the program's code, not those for its names

    def ask(self, **order: Any) -> dict[str, Any]:
        """Send one order and wait for its answer; re-raise the program's exception."""
        self.asked += order["do"] not in {"name", "evaluate"}
        try:
            send_message(self.channel, order)
            answer = receive_message(self.channel)
        except (OSError, EOFError, ValueError, RecursionError) as error:
            raise CandidateGone(f"the program ended or answered nonsense: {error}") from error
        if "error" in answer:
            raise _as_exception(str(answer["error"]), str(answer.get("message", "")))
        return answer

    def value(self, message: Any) -> Any:
        """A value of the candidate's, rebuilt."""
        try:
            return values.decode(message, self.classes, lambda number, name: Remote(self, number, name))
        except (ValueError, RecursionError) as error:
            raise CandidateGone(f"the program returned what cannot be rebuilt: {error}") from error

    def encode(self, value: Any) -> dict[str, Any]:
        """A value for the candidate."""
        return values.encode(value, self.classes, _number_of)


def _number_of(value: Any) -> int:
    if isinstance(value, Remote):
        return value._number
    if isinstance(value, values.Opaque):  # came from the program, by a message that only a forger writes
        raise CandidateGone("the program returned what cannot be sent back to it")
    raise UnsendableError(f"a {type(value).__name__} of the test cannot be sent to the program")


def _as_exception(name: str, message: str) -> Exception:
    """The program's exception; not those that steer a loop here (`all(map(candidate, ...))`) or look like a check's."""
    found = getattr(builtins, name, None)
    if isinstance(found, type) and issubclass(found, Exception) and found not in _NEVER_RAISED:
        try:
            return found(message)
        except TypeError:  # e.g. UnicodeDecodeError wants more
            pass
    return CandidateError(f"{name}: {message}")


class Remote:
    """Something that lives in the candidate's process. Comparing it is comparing identities, never its own `__eq__`."""

    def __init__(self, link: Link, number: int, name: str) -> None:
        self._link, self._number, self._name = link, number, name

    def _ask(self, **order: Any) -> Any:
        return self._link.value(self._link.ask(target=self._number, **order)["value"])

    def __call__(self, *positional: Any, **named: Any) -> Any:
        sent = self._link.encode([list(positional), named])
        answer = self._link.ask(target=self._number, do="call", arguments=sent)
        if "arguments" in answer:
            _write_back([list(positional), named], self._link.value(answer["arguments"]))
        return self._link.value(answer["value"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask(do="attribute", name=name)

    def __getitem__(self, key: Any) -> Any:
        return self._ask(do="item", key=self._link.encode(key))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask(do="items"))

    def __bool__(self) -> bool:
        return self._ask(do="truth") is True

    def __len__(self) -> int:
        return int(self._ask(do="length"))

    def __str__(self) -> str:
        return str(self._ask(do="text"))

    def __repr__(self) -> str:
        return f"<{self._name} of the program>"


def _write_back(mine: Any, theirs: Any) -> None:
    """Make arguments look as the program left them: same objects, new contents."""
    if isinstance(mine, list) and isinstance(theirs, list):
        for old, new in zip(mine, theirs, strict=False):
            _write_back(old, new)
        mine[:] = [old if _same_kind(old, new) else new for old, new in _paired(mine, theirs)]
    elif isinstance(mine, dict) and isinstance(theirs, dict):
        for key in mine.keys() & theirs.keys():
            _write_back(mine[key], theirs[key])
        kept = {key: mine[key] if key in mine and _same_kind(mine[key], new) else new for key, new in theirs.items()}
        mine.clear()
        mine.update(kept)
    elif isinstance(mine, set) and isinstance(theirs, set):
        mine.clear()
        mine.update(theirs)
    elif type(mine) is type(theirs) and hasattr(mine, "__dict__") and not isinstance(mine, Remote):
        vars(mine).clear()
        vars(mine).update(vars(theirs))


def _paired(mine: list[Any], theirs: list[Any]) -> list[tuple[Any, Any]]:
    return [(mine[index] if index < len(mine) else None, new) for index, new in enumerate(theirs)]


def _same_kind(old: Any, new: Any) -> bool:
    """Whether `old` was brought up to date in place, so that it stays the same object."""
    return type(old) is type(new) and (isinstance(old, list | dict | set) or hasattr(old, "__dict__"))


class _Names(dict[str, Any]):
    """Globals of the checks: what they do not define is asked of the program, builtins only when under test."""

    link: Link
    under_test: frozenset[str] = frozenset()

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) and name not in self.under_test:
            return getattr(builtins, name)
        answer = self.link.ask(do="name", name=name)
        if answer.get("missing"):
            raise NameError(f"name {name!r} is not defined by the program")
        return self.link.value(answer["value"])


class _CountAsserts(ast.NodeTransformer):
    """Behind every assert, a call that counts it; reached only when the assert held."""

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        if isinstance(node.test, ast.Constant):
            return [node]
        counted = ast.Expr(ast.Call(ast.Name(_COUNTER, ast.Load()), [], []))
        return [node, ast.fix_missing_locations(ast.copy_location(counted, node))]


def _under_test(tree: ast.Module, own: dict[str, Any]) -> frozenset[str]:
    """Names that the program may define although the prelude or the builtins have them, e.g. MBPP's `sum(10, 15)`.

    Only where the checks call nothing else that the program could define: a program that redefines `isclose` must
    not decide how its own `f` is compared.
    """
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    theirs = {name for name in called - defined if name not in own and not hasattr(builtins, name)}
    return frozenset() if theirs else frozenset(called - defined)


def run(program: Program, spec: dict[str, Any]) -> NoReturn:
    """Run the checks (`program`) against the candidate behind the session descriptor and report how they ended."""

    def step() -> None:
        counts = {"asserts": 0, "asked": 0}
        outcome = _outcome(program.source, spec, counts)
        runner.report({"outcome": outcome, **counts})

    runner.run_guarded(step, runner.leave_at_once)


def _outcome(source: bytes, spec: dict[str, Any], counts: dict[str, int]) -> str:
    """`passed`, or what went wrong in words; counts asserts that held and questions to the program."""

    def count() -> None:
        counts["asserts"] += 1

    own: dict[str, Any] = {"__name__": "check"}
    exec(compile(spec.get("prefix", ""), "<prefix>", "exec", dont_inherit=True), own)
    classes = {name: found for name in spec["known"] if isinstance(found := own.get(name), type)}
    link = Link(socket.socket(fileno=runner.SESSION_FD), classes)
    tree = ast.parse(source)
    under_test = frozenset() if spec.get("entry_point") else _under_test(tree, own)
    names = _Names({name: value for name, value in own.items() if name not in under_test})
    names.link, names.under_test = link, under_test
    names[_COUNTER] = count
    try:
        if receive_message(link.channel) != {"ready": True}:
            return "gone: the program answered nonsense"
        if spec.get("entry_point"):
            names["candidate"] = link.value(link.ask(do="evaluate", expression=spec["entry_point"])["value"])
        exec(
            compile(ast.fix_missing_locations(_CountAsserts().visit(tree)), "<check>", "exec", dont_inherit=True), names
        )
        if spec.get("call_check"):
            names["check"](names["candidate"])
    except (CandidateGone, EOFError, ValueError) as error:
        return f"gone: {error}" if not isinstance(error, ValueError) else f"raised ValueError: {error}"
    except UnsendableError as error:
        return f"unsendable: {error}"
    except AssertionError as error:
        return f"failed: {error}"
    except Exception as error:  # a check may raise anything when the candidate is wrong
        return f"raised {type(error).__name__}: {error}"
    finally:
        counts["asked"] = link.asked
    return "passed"
