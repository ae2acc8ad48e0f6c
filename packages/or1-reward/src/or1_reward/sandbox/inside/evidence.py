"""Evidence that checks have tested something: every assert that held is counted, and every expected exception."""

from __future__ import annotations

import ast
import sys

from .remote import is_of_program

COUNT, COUNT_CAUGHT, EQUAL = "__or1_assert_held__", "__or1_exception_caught__", "__or1_equal__"
_FAILS = {"fail", "skip"}


class Counts:
    """How many asserts have held so far, and how many questions the program was asked."""

    def __init__(self) -> None:
        self.held = 0
        self.asked = 0

    def count(self) -> None:
        """One assert held."""
        self.held += 1

    def count_caught(self) -> None:
        """An exception that the checks expect was caught: not the assert that says that there was none."""
        error = sys.exception()
        if not isinstance(error, AssertionError) or is_of_program(error):
            self.held += 1


def rewritten(tree: ast.Module, asked: frozenset[str], modules: frozenset[str]) -> ast.Module:
    """The checks with their asserts counted and their imports of the program taken out."""
    changed = _Rewrite(asked, modules).visit(with_failures_inside(tree))
    assert isinstance(changed, ast.Module)
    return ast.fix_missing_locations(changed)


def expects_exception(node: ast.Try) -> bool:
    """Whether the body of a try fails by itself when nothing was raised in it."""
    return any(_fails(statement) for statement in (*node.body, *node.orelse))


def with_failures_inside(tree: ast.Module) -> ast.Module:
    """The tree, changed in place: `try: f() / except E: return` before `assert False` has that as its `else`."""
    for node in ast.walk(tree):
        body = node.body if isinstance(node, ast.FunctionDef | ast.Module) else []
        for at, statement in enumerate(body[:-1]):
            if isinstance(statement, ast.Try) and _returns(statement) and _fails(body[at + 1]):
                statement.orelse = [body.pop(at + 1)]
                break
    return tree


def _returns(node: ast.Try) -> bool:
    return (
        bool(node.handlers) and not node.orelse and all(isinstance(one.body[-1], ast.Return) for one in node.handlers)
    )


def _fails(node: ast.stmt) -> bool:
    """`assert False`, `raise AssertionError`, `pytest.fail()`, `self.fail()`."""
    if isinstance(node, ast.Assert):
        return isinstance(node.test, ast.Constant) and not node.test.value
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "AssertionError"
    called = node.value.func if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in _FAILS


class _Rewrite(ast.NodeTransformer):
    def __init__(self, asked: frozenset[str], modules: frozenset[str]) -> None:
        self.asked = asked
        self.modules = modules

    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        if isinstance(node.test, ast.Constant):
            return [node]
        counted = _calling(COUNT, node)
        self.generic_visit(node)
        return [node, counted]

    def visit_Try(self, node: ast.Try) -> ast.Try:
        expects = expects_exception(node)
        self.generic_visit(node)
        if expects:
            for handler in node.handlers:
                handler.body.insert(0, _calling(COUNT_CAUGHT, handler))
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | list[ast.stmt]:
        """`from solution import f as g`: f is the program's, g another name of it."""
        if node.module not in self.modules:
            return node
        renamed = [alias for alias in node.names if alias.asname and alias.asname != alias.name]
        return [
            ast.copy_location(
                ast.Assign([ast.Name(alias.asname or "", ast.Store())], ast.Name(alias.name, ast.Load())), node
            )
            for alias in renamed
        ] or ast.copy_location(ast.Pass(), node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Read the expectation before the program can change what it is read from."""
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq) or isinstance(node.comparators[0], ast.Name):
            return node
        left, right = node.left, node.comparators[0]
        shared = (_names(left) & _names(right)) - self.asked
        if not shared or not self._calls(left) or self._calls(right) or _binds(node):
            return node
        nothing = ast.arguments([], [], None, [], [], None, [])
        made = ast.Call(ast.Name(EQUAL, ast.Load()), [right, ast.Lambda(nothing, left)], [])
        return ast.copy_location(made, node)

    def _calls(self, node: ast.expr) -> bool:
        return any(isinstance(part, ast.Call) and _names(part.func) & self.asked for part in ast.walk(node))


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _binds(node: ast.AST) -> bool:
    return any(isinstance(part, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom) for part in ast.walk(node))


def _calling(name: str, where: ast.AST) -> ast.stmt:
    call = ast.Expr(ast.Call(ast.Name(name, ast.Load()), [], []))
    return ast.copy_location(call, where)
