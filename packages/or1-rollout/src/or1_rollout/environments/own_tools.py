"""The tools that come with this package; `or1_rollout.environments.tools` says what a tool is."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol, Self

from or1_rollout.environments.protocol import Problem

LONGEST: Final = 200
"""Characters of an expression; longer ones are refused, as nesting and results grow with them."""
_OPERATORS: Final[Mapping[type[ast.AST], Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
SHOWN_LINES, LINE_CHARACTERS, MOST_WORDS = 5, 200, 32
"""Of a search: lines that are shown, characters of each, and words that are looked for."""


def _text(name: str) -> Mapping[str, Any]:
    """JSON schema of arguments that are one text."""
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}


class _Stateless:
    """What a tool that remembers nothing between calls need not say: opened, it is itself."""

    def open(self, problem: Problem, seed: int) -> Self:
        """Itself."""
        return self

    def close(self) -> None:
        """Nothing is held."""


class Calculator(_Stateless):
    """`+ - * /` and brackets. Fits `Tool` and `OpenTool`."""

    name = "calculator"
    description = "Computes an arithmetic expression exactly, for example 12*(3+4)."
    parameters = _text("expression")
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


class CodeSession(Protocol):
    """Runs code cells that share their state."""

    def run(self, code: str) -> str:
        """What the cell printed, and its error in words."""


class CodeTool:
    """Runs Python code of the policy, in a session that is given (`or1_reward.python_session`). Fits `Tool`."""

    name = "python"
    description = "Runs Python code and shows what it prints; variables stay between calls."
    parameters = _text("code")
    is_deterministic = False  # code may ask for the time

    def __init__(self, session: Callable[[int], CodeSession]) -> None:
        """`session(seed)` makes a session for one response."""
        self._session = session

    def open(self, problem: Problem, seed: int) -> OpenCodeTool:
        """A new session."""
        return OpenCodeTool(self._session(seed))


@dataclass(frozen=True, slots=True, eq=False)
class OpenCodeTool:
    """The code tool during one response. Fits `OpenTool`."""

    session: CodeSession

    def call(self, arguments: Mapping[str, Any]) -> str:
        """What the code prints."""
        code = arguments.get("code")
        if not isinstance(code, str) or not code.strip():
            return "error: code must be a text"
        return self.session.run(code) or "(no output)"

    def close(self) -> None:
        """A session holds nothing between calls."""


class FileSearch(_Stateless):
    """Finds the lines with most of the words that are asked for. Fits `Tool` and `OpenTool`."""

    name = "search"
    description = "Finds lines of text that contain the words of a query."
    parameters = _text("query")
    is_deterministic = True

    def __init__(self, folder: Path) -> None:
        """Read all `.txt` and `.md` files under `folder` once, so that later changes there change nothing."""
        files = sorted(path for path in folder.rglob("*") if path.suffix in (".txt", ".md") and path.is_file())
        self._lines = [
            (f"{path.relative_to(folder)}:{number}", line.strip())
            for path in files
            for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
            if line.strip()
        ]

    def call(self, arguments: Mapping[str, Any]) -> str:
        """The best lines with their places, best first."""
        query = arguments.get("query")
        words = set(query.lower().split()[:MOST_WORDS]) if isinstance(query, str) else set()
        if not words:
            return "error: query must be a text with at least one word"
        counted = [(sum(word in line.lower() for word in words), place, line) for place, line in self._lines]
        best = sorted((found for found in counted if found[0]), key=lambda found: -found[0])[:SHOWN_LINES]
        return "\n".join(f"{place}: {line[:LINE_CHARACTERS]}" for _, place, line in best) or "nothing found"
