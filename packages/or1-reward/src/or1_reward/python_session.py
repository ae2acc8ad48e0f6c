"""Python as a tool: code cells of a model run in the jail, one after the other, with the state of those before.

A call runs all cells of its session in one fresh jail, the earlier ones with their output thrown away. So a session
holds no process between calls, can be rebuilt from its cells, and is as safe as any graded program. A cell that was
stopped by a limit leaves no state. Random numbers are seeded and hashes fixed; the clock and object ids are not.
"""

from __future__ import annotations

import json
import signal
from importlib import resources
from typing import Final

from or1_reward.code.extract import Program
from or1_reward.code.running import run_program
from or1_reward.sandbox.pool import Sandbox, default_sandbox
from or1_reward.sandbox.worker import JailReport
from or1_reward.types import Limits

SESSION_LIMITS: Final = Limits(time_s=8.0, memory_mb=512, output_mb=1)
"""Of one call; its time covers the cells before too."""

MOST_CELLS: Final = 64
_CELLS: Final = resources.files("or1_reward.sandbox.inside").joinpath("cells.py").read_text("utf-8")


class PythonSession:
    """The code cells of one response."""

    def __init__(
        self,
        *,
        seed: int = 0,
        limits: Limits = SESSION_LIMITS,
        most_characters: int = 2000,
        sandbox: Sandbox | None = None,
    ) -> None:
        """Nothing runs yet; `most_characters` of an output are shown, its beginning and its end."""
        self._seed, self._limits, self._most_characters = seed, limits, most_characters
        self._sandbox = sandbox
        self._cells: list[str] = []

    def run(self, code: str) -> str:
        """What a cell prints, the value of its last expression, and its error in words.

        Raises:
            JudgingError: the jail was killed from outside again and again.
            SandboxError: no sandbox on this host as required.
        """
        if len(self._cells) >= MOST_CELLS:
            return f"error: a session has at most {MOST_CELLS} cells"
        cells = [*self._cells, code]
        given = json.dumps({"cells": cells, "seed": self._seed}).encode()
        report = run_program(Program(_CELLS), given, self._limits, self._sandbox or default_sandbox()).ran
        assert report is not None, "Python is not compiled"
        ending = _ending(report, self._limits)
        if not ending:
            self._cells = cells
        shown = self._cut(report.stdout.decode("utf-8", "replace"))
        return "\n".join(part for part in (shown.rstrip("\n"), ending) if part)

    def _cut(self, text: str) -> str:
        """The beginning and the end of a long output."""
        left_out = len(text) - self._most_characters
        if left_out <= 0:
            return text
        half = self._most_characters // 2
        return f"{text[:half]}\n... {left_out} characters left out ...\n{text[len(text) - half :]}"


def _ending(report: JailReport, limits: Limits) -> str:
    """Why a session was stopped, in words for the model; empty where it ended by itself."""
    forgotten = "; this cell leaves no state"
    if report.stopped == "wall" or -report.exit_code in (signal.SIGXCPU, signal.SIGALRM):
        return f"error: the code so far takes more than {limits.time_s:g} s{forgotten}"
    if report.stopped:
        return f"error: more {report.stopped} than is allowed{forgotten}"
    if report.exit_code < 0:
        return f"error: the process was ended by signal {-report.exit_code}{forgotten}"
    return "" if report.result == b"done" else f"error: the process ended itself{forgotten}"
