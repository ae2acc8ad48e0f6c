"""A calculator as a tool: exact arithmetic on whole numbers and fractions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Final

from or1_rollout.environments.tools import Stateless, text_argument

LONGEST: Final = 200
"""Characters of an expression; longer ones are refused, as nesting and results grow with them."""
_OPERATORS: Final[Mapping[type[ast.AST], Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


class Calculator(Stateless):
    """`+ - * /` and brackets. Fits `Tool` and `OpenTool`."""

    name = "calculator"
    description = "Computes an arithmetic expression exactly, for example 12*(3+4)."
    parameters = text_argument("expression")
    is_deterministic = True

    def call(self, arguments: Mapping[str, Any]) -> str:
        """The value, or what is wrong with the expression."""
        expression = arguments.get("expression")
        if not isinstance(expression, str) or not expression.strip() or len(expression) > LONGEST:
            return f"error: expression must be a text of 1 to {LONGEST} characters"
        try:
            return str(_value(ast.parse(expression.strip(), mode="eval").body))
        except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError) as error:
            return f"error: {type(error).__name__}"


def _value(node: ast.AST) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("no arithmetic")
