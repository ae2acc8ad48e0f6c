"""Turn a row's assertions into cases: comparisons with a literal become calls, the rest goes to the judge's jail.

`assert candidate(<arguments>) == <literal>`, the great majority of all harnesses, needs no harness at all: the program
gets the call, the literal stays outside. Everything else runs unchanged in a process without model code.
"""

from __future__ import annotations

import ast
import functools
import threading
from collections.abc import Iterable
from typing import Any, Final

from or1_reward.code.cases import CallCase, Case, CaseError, CheckCase
from or1_reward.ground_truth import AssertTruth, HarnessTruth

_BUILDERS: Final = frozenset(
    {"float", "int", "str", "bool", "list", "tuple", "set", "frozenset", "dict", "range", "bytes", "complex"}
)
# ast.parse counts its depth per interpreter: in two threads at once, of which one may not be ours, it fails (3.11)
_PARSER: Final = threading.Lock()
_PARSE_ATTEMPTS: Final = 8
_RELATIONS: Final[dict[type[ast.cmpop], str]] = {ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not"}


@functools.lru_cache(maxsize=512)
def harness_cases(truth: HarnessTruth) -> tuple[Case, ...]:
    """One case per assert of `check`; a check with loops or variables of its own is one case as a whole.

    Raises:
        CaseError: the test code is no Python, defines no `check`, or asserts nothing.
    """
    tree = _parsed(truth.test_code, "test_code")
    check = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "check"), None)
    if check is None:
        raise CaseError("test_code defines no function check(candidate)")
    _demand_asserts(check)
    prefix = _Prefix(truth.import_prefix)
    body = [node for node in check.body if not _says_nothing(node)]
    if not all(isinstance(node, ast.Assert) for node in body):
        return (CheckCase(truth.test_code, truth.import_prefix, prefix.classes, truth.entry_point, call_check=True),)
    return tuple(_harness_case(truth, tree, check, node, prefix) for node in body if isinstance(node, ast.Assert))


@functools.lru_cache(maxsize=512)
def assert_cases(truth: AssertTruth) -> tuple[Case, ...]:
    """One case per entry of `assert_case`.

    Raises:
        CaseError: an entry is no Python or asserts nothing.
    """
    prefix = _Prefix(truth.import_prefix)
    return tuple(_assert_case(text, prefix, number) for number, text in enumerate(truth.assert_case, 1))


def _assert_case(text: str, prefix: _Prefix, number: int) -> Case:
    tree = _parsed(text.strip(), f"assert_case {number}")
    _demand_asserts(tree)
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert):
        call = _as_call(tree.body[0].test, prefix, candidate=None)
        if call is not None:
            return CallCase({"prefix": prefix.text, "expression": ast.unparse(call[0])}, call[2], call[1])
    return CheckCase(text.strip(), prefix.text, prefix.classes)


def _harness_case(
    truth: HarnessTruth, tree: ast.Module, check: ast.FunctionDef, node: ast.Assert, prefix: _Prefix
) -> Case:
    call = _as_call(node.test, prefix, candidate=check.args.args[0].arg if check.args.args else "candidate")
    if call is not None:
        spec = {"prefix": prefix.text, "entry_point": truth.entry_point, "expression": ast.unparse(_renamed(call[0]))}
        return CallCase(spec, call[2], call[1])
    alone = ast.FunctionDef("check", check.args, [node], [], lineno=1)
    around = [alone if other is check else other for other in tree.body]
    source = ast.unparse(ast.fix_missing_locations(ast.Module(around, [])))
    return CheckCase(source, prefix.text, prefix.classes, truth.entry_point, call_check=True)


class _Prefix:
    """A row's import prefix and what it defines itself."""

    def __init__(self, text: str) -> None:
        self.text = text
        body = _parsed(text, "import_prefix").body
        self.classes = tuple(node.name for node in body if isinstance(node, ast.ClassDef))
        self.functions = frozenset(node.name for node in body if isinstance(node, ast.FunctionDef))


def _parsed(text: str, what: str) -> ast.Module:
    try:
        with _PARSER:
            return _parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CaseError(f"{what} of the row is no Python ({error}); repair or drop the row") from error


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


def _demand_asserts(tree: ast.AST) -> None:
    if not any(isinstance(node, ast.Assert) and not _says_nothing(node) for node in ast.walk(tree)):
        raise CaseError("the row's checks assert nothing, so they would pass any program; drop the row")


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
