"""Python as a tool; the sandbox that runs it is given, for example `or1_reward.python_session.PythonSession`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from or1_rollout.environments.protocol import Problem
from or1_rollout.environments.tools import text_argument


class CodeSession(Protocol):
    """Runs code cells that share their state."""

    def run(self, code: str) -> str:
        """What the cell printed, and its error in words."""


class CodeTool:
    """Runs Python code of the policy. Fits `Tool`."""

    name = "python"
    description = "Runs Python code and shows what it prints; variables stay between calls."
    parameters = text_argument("code")
    is_deterministic = False  # code may ask for the time

    def __init__(self, session: Callable[[int], CodeSession]) -> None:
        """`session(seed)` makes a session for one response."""
        self._session = session

    def open(self, problem: Problem, seed: int) -> OpenCodeTool:
        """A new session."""
        return OpenCodeTool(self._session(seed))


class OpenCodeTool:
    """The code tool during one response. Fits `OpenTool`."""

    def __init__(self, session: CodeSession) -> None:
        self._session = session

    def call(self, arguments: Mapping[str, Any]) -> str:
        """What the code prints."""
        code = arguments.get("code")
        if not isinstance(code, str) or not code.strip():
            return "error: code must be a text"
        return self._session.run(code) or "(no output)"

    def close(self) -> None:
        """A session holds nothing between calls."""
