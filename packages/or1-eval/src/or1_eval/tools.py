"""The tools that responses of several turns may call, by their names: for evaluations here and for or1-trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from or1_reward.code.judging import JudgingError
from or1_reward.python_session import PythonSession
from or1_reward.sandbox import SandboxError
from or1_rollout.environments import (
    AskedCalls,
    Calculator,
    CodeTool,
    FencedCalls,
    FileSearch,
    HermesCalls,
    Tool,
    ToolEnvironment,
)
from or1_rollout.errors import EnvironmentFailure

TOOLS: Final = ("calculator", "python", "search")
FORMATS: Final = {"hermes": HermesCalls, "fenced": FencedCalls, "asked": AskedCalls}


class JailedPython:
    """Python cells of one response in or1-reward's sandbox. Fits `or1_rollout.environments.CodeSession`."""

    def __init__(self, seed: int) -> None:
        """A session whose random numbers come from `seed`."""
        self._session = PythonSession(seed=seed)

    def run(self, code: str) -> str:
        """See `PythonSession.run`. Raises `EnvironmentFailure` where the sandbox failed."""
        try:
            return self._session.run(code)
        except (JudgingError, SandboxError) as error:
            raise EnvironmentFailure(f"the sandbox of the Python tool failed: {error}") from error


def tool_environment(
    tools: Sequence[str], form: str = "hermes", *, system: str = "", search_folder: str = ""
) -> ToolEnvironment:
    """The environment with these of `TOOLS`, called as `FORMATS` says.

    Raises:
        ValueError: there is no such tool or format, or no folder to search in.
    """
    if form not in FORMATS:
        raise ValueError(f"no format of calls is named {form!r}; there are {', '.join(FORMATS)}")
    return ToolEnvironment([_tool(name, search_folder) for name in tools], FORMATS[form](), system)


def _tool(name: str, search_folder: str) -> Tool:
    if name == "calculator":
        return Calculator()
    if name == "python":
        return CodeTool(JailedPython)
    if name != "search":
        raise ValueError(f"no tool is named {name!r}; there are {', '.join(TOOLS)}")
    if not search_folder or not Path(search_folder).is_dir():
        raise ValueError(f"search_folder = {search_folder!r} is not a folder")
    return FileSearch(Path(search_folder))
