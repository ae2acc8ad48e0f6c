"""pytest and unittest checks in the judge: the part of pytest that data sets use, and a run of every test function.

pytest itself is not in the jail (it takes 0.2 s to import). `raises`, `approx`, `fail`, `skip`, `mark.parametrize`,
`fixture` and `capsys` work as there; other marks do nothing.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import sys
import types
from collections.abc import Callable
from typing import Any

from . import approx as approximation
from .evidence import Counts

_MARKS = "__or1_parameters__"
_FIXTURE = "__or1_fixture__"


class _Skipped(Exception):
    """A test that skips itself."""


def install(counts: Counts) -> None:
    """Make `import pytest` and unittest's assert methods give evidence."""
    sys.modules["pytest"] = _pytest(counts)
    _Lazy.counts = counts


class _Lazy:
    counts: Counts


def _pytest(counts: Counts) -> types.ModuleType:
    module = types.ModuleType("pytest")

    def raises(expected: Any, *arguments: Any, match: str | None = None, **named: Any) -> Any:
        context = _Raises(expected, match, counts)
        if not arguments:
            return context
        with context as caught:
            arguments[0](*arguments[1:], **named)
        return caught

    def fail(reason: str = "", pytrace: bool = True) -> None:
        raise AssertionError(reason)

    def skip(reason: str = "", **_: Any) -> None:
        raise _Skipped(reason)

    public = {
        "raises": raises, "fail": fail, "skip": skip, "approx": approximation.approx, "mark": _Mark(),
        "fixture": _fixture, "param": lambda *values, **_: values if len(values) != 1 else values[0],
        "main": lambda *_, **__: 0, "importorskip": __import__,
    }  # fmt: skip
    vars(module).update(public)
    return module


class _Raises:
    """`with pytest.raises(ValueError, match=...) as caught`."""

    def __init__(self, expected: Any, match: str | None, counts: Counts) -> None:
        self.expected, self.match, self.counts = expected, match, counts
        self.value: BaseException | None = None
        self.type: Any = None

    def __enter__(self) -> _Raises:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None:
            raise AssertionError(f"{self.expected} was not raised")
        if not isinstance(error, self.expected):
            return False
        if self.match is not None and not re.search(self.match, str(error)):
            raise AssertionError(f"{error} does not match {self.match!r}")
        self.value, self.type = error, kind
        self.counts.count()
        return True


class _Mark:
    """`pytest.mark`: `parametrize` gives a test its values, all others leave it alone."""

    def parametrize(self, names: Any, values: Any, **_: Any) -> Callable[[Any], Any]:
        fields = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        rows = [dict(zip(fields, row if len(fields) > 1 else [row], strict=True)) for row in values]

        def decorate(function: Any) -> Any:
            setattr(function, _MARKS, [*getattr(function, _MARKS, []), rows])
            return function

        return decorate

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **_: (
            arguments[0] if len(arguments) == 1 and callable(arguments[0]) else (lambda function: function)
        )


def _fixture(function: Any = None, **_: Any) -> Any:
    if function is None:
        return _fixture
    setattr(function, _FIXTURE, True)
    return function


class _Capsys:
    """The `capsys` fixture: what was printed since the last look."""

    def __init__(self, out: io.StringIO) -> None:
        self.out = out

    def readouterr(self) -> Any:
        text = self.out.getvalue()
        self.out.seek(0)
        self.out.truncate()
        return types.SimpleNamespace(out=text, err="")


def run_all(names: dict[str, Any]) -> None:
    """Run every test function, test method and unittest case that the checks define, in their order."""
    for name, found in list(names.items()):
        if isinstance(found, type) and _is_unittest(found):
            _run_unittest(found)
        elif isinstance(found, type) and name.startswith("Test"):
            for method in [method for method in vars(found) if method.startswith("test")]:
                _run_method(found(), method, names)
        elif name.startswith("test") and inspect.isfunction(found):
            _run_function(found, names)


def _run_method(instance: Any, method: str, names: dict[str, Any]) -> None:
    for hook, wanted in (("setup_method", True), (method, True), ("teardown_method", True)):
        function = getattr(instance, hook, None)
        if function is not None and wanted:
            _run_function(function, names)


def _run_function(function: Any, names: dict[str, Any]) -> None:
    for values in _combinations(getattr(function, _MARKS, [])):
        try:
            with contextlib.ExitStack() as stack:
                wanted = [name for name in inspect.signature(function).parameters if name not in values]
                function(**{name: _provided(name, names, stack) for name in wanted}, **values)
        except _Skipped:
            continue


def _combinations(marks: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    combined: list[dict[str, Any]] = [{}]
    for rows in marks:
        combined = [{**before, **row} for row in rows for before in combined]
    return combined


def _provided(name: str, names: dict[str, Any], stack: contextlib.ExitStack) -> Any:
    """The value of a fixture."""
    if name in {"capsys", "capfd"}:
        return _Capsys(stack.enter_context(contextlib.redirect_stdout(io.StringIO())))
    if name == "method":
        return None
    fixture: Any = names.get(name)
    if not getattr(fixture, _FIXTURE, False):
        raise AssertionError(f"no fixture {name!r}")
    wanted = {other: _provided(other, names, stack) for other in inspect.signature(fixture).parameters}
    made = fixture(**wanted)
    if not inspect.isgenerator(made):
        return made
    stack.callback(lambda: next(made, None))
    return next(made)


def _is_unittest(found: type) -> bool:
    unittest = sys.modules.get("unittest")
    return unittest is not None and issubclass(found, unittest.TestCase) and found is not unittest.TestCase


def _run_unittest(case: Any) -> None:
    """Run the tests of a class; every assert method that returns gives evidence."""
    import unittest

    for name in dir(unittest.TestCase):
        if name.startswith("assert") and not hasattr(getattr(case, name), "__or1_counted__"):
            setattr(case, name, _counted(getattr(case, name)))
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    for _, trace in (*result.failures, *result.errors):
        raise AssertionError(trace.strip().rpartition("\n")[2])


def _counted(method: Any) -> Any:
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        result = method(self, *arguments, **named)
        return _CountedContext(result) if hasattr(result, "__exit__") else _note(result)

    call.__or1_counted__ = True  # type: ignore[attr-defined]
    return call


def _note(result: Any) -> Any:
    _Lazy.counts.count()
    return result


class _CountedContext:
    """`with self.assertRaises(...) as caught`: evidence when it ends well."""

    def __init__(self, context: Any) -> None:
        self.context = context

    def __enter__(self) -> Any:
        return self.context.__enter__()

    def __exit__(self, *ended: Any) -> Any:
        is_fine = self.context.__exit__(*ended)
        if is_fine:
            _Lazy.counts.count()
        return is_fine
