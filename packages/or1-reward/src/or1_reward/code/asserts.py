"""Turn a row's assertions into cases: comparisons with a literal become calls, the rest goes to the judge's jail.

`assert candidate(<arguments>) == <literal>`, the great majority of all harnesses, needs no harness at all: the program
gets the call, the literal stays outside. Everything else runs unchanged in a process without model code.
"""

from __future__ import annotations

import ast
import builtins
import functools
import threading
from collections.abc import Iterable
from typing import Any, Final

from or1_reward.code.cases import CallCase, Case, CaseError, CheckCase
from or1_reward.code.humaneval_helpers import HELPERS
from or1_reward.code.row_names import (
    PROGRAM_MODULES,
    Names,
    demand_modules,
    imports_program,
    is_class_name,
    names_of,
    names_under_test,
    undefined_names,
)
from or1_reward.comparison import Compare
from or1_reward.ground_truth import AssertTruth, HarnessTruth
from or1_reward.sandbox.inside.evidence import expects_exception, with_failures_inside

_BUILDERS: Final = frozenset(
    {"float", "int", "str", "bool", "list", "tuple", "set", "frozenset", "dict", "range", "bytes", "complex"}
)
# ast.parse counts its depth per interpreter: in two threads at once, of which one may not be ours, it fails (3.11)
_PARSER: Final = threading.Lock()
_PARSE_ATTEMPTS: Final = 8
_RELATIONS: Final[dict[type[ast.cmpop], str]] = {ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not"}
_CAPTURES: Final = ("stdout", "capsys", "capfd")


@functools.lru_cache(maxsize=512)
def harness_cases(truth: HarnessTruth, packages: tuple[str, ...], compare: Compare) -> tuple[Case, ...]:
    """One case per assert of `check`; a check with loops or variables of its own is one case as a whole.

    Test functions and unittest cases are one case each row.

    Raises:
        CaseError: the test code is no Python, tests nothing, or needs what neither row nor jail has.
    """
    tree = _parsed(truth.test_code, "test_code")
    demand_modules(tree, packages, "test_code")
    prefix = _Prefix(truth.import_prefix, packages)
    row = _Row(prefix, compare, *_harness_names(tree, truth, prefix))
    check = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"), None)
    if check is None:
        return (_tests_case(truth, tree, row),)
    if not truth.entry_point:
        raise CaseError("test_code defines check(candidate), but the row names no entry_point")
    _demand_asserts(tree)
    body = [node for node in check.body if not _says_nothing(node)]
    if not all(isinstance(node, ast.Assert) for node in body):
        return (row.check(truth.test_code, truth.entry_point, call_check=True),)
    return tuple(_harness_case(truth, tree, check, node, row) for node in body if isinstance(node, ast.Assert))


@functools.lru_cache(maxsize=512)
def assert_cases(truth: AssertTruth, packages: tuple[str, ...], compare: Compare) -> tuple[Case, ...]:
    """One case per entry of `assert_case`.

    Raises:
        CaseError: an entry is no Python, asserts nothing, or needs what the jail does not have.
    """
    prefix = _Prefix(truth.import_prefix, packages)
    trees = [_parsed(text.strip(), f"assert_case {number}") for number, text in enumerate(truth.assert_case, 1)]
    for number, tree in enumerate(trees, 1):
        _demand_asserts(tree)
        demand_modules(tree, packages, f"assert_case {number}")
    asked = names_under_test([names_of(tree) for tree in trees], prefix.names)
    asked |= {truth.fn_name} if truth.fn_name else frozenset()
    row = _Row(prefix, compare, asked | _called_with_data(trees, prefix), "")
    return tuple(_assert_case(text, tree, row) for text, tree in zip(truth.assert_case, trees, strict=True))


def _called_with_data(trees: Iterable[ast.Module], prefix: _Prefix) -> frozenset[str]:
    """Functions, other than builtins, that an assert calls with data alone: `assert search(5, [1]) == 1`."""
    calls = [
        _as_call(tree.body[0].test, prefix, candidate=None)
        for tree in trees
        if len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert)
    ]
    names = {call[0].func.id for call in calls if call is not None and isinstance(call[0].func, ast.Name)}
    return frozenset(names) - frozenset(dir(builtins)) - prefix.names.bound


def _assert_case(text: str, tree: ast.Module, row: _Row) -> Case:
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert):
        call = _as_call(tree.body[0].test, row.prefix, candidate=None)
        if call is not None and _calls_function(call[0], row.asked):
            spec = {"prefix": row.prefix.text, "expression": ast.unparse(call[0])}
            return CallCase(spec, call[2], call[1], row.compare)
    return row.check(text.strip(), test_functions=_has_tests(tree))


def _calls_function(call: ast.Call, asked: frozenset[str]) -> bool:
    """Whether a call is of a function of the program; an object of a class of its own may compare as it says."""
    return isinstance(call.func, ast.Name) and call.func.id in asked and not is_class_name(call.func.id)


def _harness_names(tree: ast.Module, truth: HarnessTruth, prefix: _Prefix) -> tuple[frozenset[str], str]:
    """The names that a harness asks of the program, and the source of the helpers that it lacks.

    Raises:
        CaseError: a name that nothing defines: the program must not supply what its own tests rest on.
    """
    names = names_of(tree)
    entry = names_of(_parsed(truth.entry_point, "entry_point")).read if truth.entry_point else frozenset()
    missing = undefined_names(names, prefix.names) - entry
    if not truth.entry_point and not any(
        isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body
    ):
        return frozenset(names.imported | missing), ""  # tests that name the program's functions and nothing else does
    helpers = "".join(HELPERS[name] for name in sorted(missing & HELPERS.keys()))
    if missing - HELPERS.keys():
        raise CaseError(
            f"test_code uses {', '.join(sorted(missing - HELPERS.keys()))}, which neither it nor import_prefix "
            "defines; the program under test does not count: add the definitions to import_prefix"
        )
    return frozenset((entry & names.free) | names.imported | entry), helpers


def _tests_case(truth: HarnessTruth, tree: ast.Module, row: _Row) -> Case:
    if not _has_tests(tree):
        raise CaseError("test_code defines no function check(candidate) and no tests")
    _demand_asserts(tree)
    return row.check(truth.test_code, test_functions=True)


def _harness_case(truth: HarnessTruth, tree: ast.Module, check: ast.FunctionDef, node: ast.Assert, row: _Row) -> Case:
    call = _as_call(node.test, row.prefix, candidate=check.args.args[0].arg if check.args.args else "candidate")
    if call is not None:
        spec = {
            "prefix": row.prefix.text,
            "entry_point": truth.entry_point,
            "expression": ast.unparse(_renamed(call[0])),
        }
        return CallCase(spec, call[2], call[1], row.compare)
    alone = ast.FunctionDef("check", check.args, [node], [], lineno=1)
    around = [alone if other is check else other for other in tree.body]
    source = ast.unparse(ast.fix_missing_locations(ast.Module(around, [])))
    return row.check(source, truth.entry_point, call_check=True)


class _Prefix:
    """A row's import prefix and what it defines itself."""

    def __init__(self, text: str, packages: tuple[str, ...]) -> None:
        self.text = text
        tree = _parsed(text, "import_prefix")
        demand_modules(tree, packages, "import_prefix")
        self.names: Names = names_of(tree)
        self.classes = tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef))
        self.functions = frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


class _Row:
    """What all checks of a row share."""

    def __init__(self, prefix: _Prefix, compare: Compare, asked: frozenset[str], helpers: str) -> None:
        self.prefix, self.compare, self.asked, self.helpers = prefix, compare, asked, helpers

    def check(
        self, source: str, entry_point: str = "", *, call_check: bool = False, test_functions: bool = False
    ) -> CheckCase:
        """A case for the judge."""
        classes = {name for name in self.asked if is_class_name(name)} - set(self.prefix.classes)
        return CheckCase(
            source,
            self.prefix.text,
            known=self.prefix.classes,
            asked=tuple(sorted(self.asked)),
            live=tuple(sorted(classes)),
            helpers=self.helpers,
            entry_point=entry_point,
            modules=PROGRAM_MODULES if "solution" in source or imports_program(_parsed(source, "checks")) else (),
            captures=any(word in source for word in _CAPTURES),
            call_check=call_check,
            test_functions=test_functions,
        )


def _parsed(text: str, what: str) -> ast.Module:
    try:
        with _PARSER:
            return _parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CaseError(f"{what} of the row is not valid Python ({error}); repair or drop the row") from error


def _parse(text: str) -> ast.Module:
    for _ in range(_PARSE_ATTEMPTS - 1):
        try:
            return ast.parse(text)
        except (SystemError, RecursionError):  # "AST constructor recursion depth mismatch"
            continue
    return ast.parse(text)


def _says_nothing(node: ast.stmt) -> bool:
    """Docstrings, `pass` and `assert True`."""
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and bool(node.test.value)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _has_tests(tree: ast.Module) -> bool:
    """Whether there are test functions, test classes or unittest cases to be run."""
    return any(
        (isinstance(node, ast.FunctionDef) and node.name.startswith("test"))
        or (isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or _names_test_case(node)))
        for node in tree.body
    )


def _names_test_case(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("TestCase") for base in node.bases)


def _demand_asserts(tree: ast.Module) -> None:
    with_failures_inside(tree)
    if not any(_tests_something(node) for node in ast.walk(tree)):
        raise CaseError("the row's checks assert nothing, so they would pass any program; drop the row")


def _tests_something(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return not isinstance(node.test, ast.Constant)
    if isinstance(node, ast.Try):
        return expects_exception(node)
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and (called.attr == "raises" or called.attr.startswith("assert"))


def _as_call(test: ast.expr, prefix: _Prefix, candidate: str | None) -> tuple[ast.Call, str, Any] | None:
    """(call, relation, expected) when `test` compares one call of the program with a literal, else None."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner, relation, expected = test.operand, "falsy", ast.Constant(None)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _RELATIONS:
        relation = _RELATIONS[type(test.ops[0])]
        sides = test.left, test.comparators[0]
        inner, expected = sides if _is_call(sides[0], prefix, candidate) else (sides[1], sides[0])  # type: ignore[assignment]
    else:
        inner, relation, expected = test, "truthy", ast.Constant(None)
    if not isinstance(inner, ast.Call) or not _is_call(inner, prefix, candidate):
        return None
    try:
        return inner, relation, _literal(expected)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _is_call(node: ast.expr, prefix: _Prefix, candidate: str | None) -> bool:
    """A call of the function under test whose arguments the program's process can build by itself."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    if candidate is not None and node.func.id != candidate:
        return False
    arguments: Iterable[ast.AST] = (*node.args, *(keyword.value for keyword in node.keywords))
    parts = [part for argument in arguments for part in ast.walk(argument)]
    bound = {part.arg for part in parts if isinstance(part, ast.arg)}  # of lambdas
    bound |= {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    return names <= _BUILDERS | prefix.functions | set(prefix.classes) | bound


def _literal(node: ast.expr) -> Any:
    """The value of a literal; also `float("inf")` and `set()`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id == "float" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            return float(node.args[0].value)  # type: ignore[arg-type]
        if node.func.id in {"set", "frozenset", "tuple", "list"} and len(node.args) <= 1:
            builder: Any = {"set": set, "frozenset": frozenset, "tuple": tuple, "list": list}[node.func.id]
            return builder(*(ast.literal_eval(argument) for argument in node.args))
    return ast.literal_eval(node)


def _renamed(call: ast.Call) -> ast.Call:
    return ast.Call(ast.Name("candidate", ast.Load()), call.args, call.keywords)
