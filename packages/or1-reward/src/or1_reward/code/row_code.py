"""Code that a row brings along, run in the judge's jail: its checker, and its prefix where that may be at fault."""

from __future__ import annotations

import json
import signal
import threading
from typing import Any, Final

from or1_reward.code.cases import CaseError, Outcome, StdioCase, to_bytes
from or1_reward.sandbox.inside import safe_json
from or1_reward.sandbox.worker import JailReport, JailTest, Worker

_ACCEPTS: Final = frozenset({"1", "1.0", "true", "yes", "ok", "ac", "accepted", "correct"})
_SHOWN: Final = 300
_WORD_BYTES: Final = 1 << 16


class CancelledError(Exception):
    """The caller has set its `cancel` event."""


class KilledError(Exception):
    """Somebody killed the process that ran a row's code; it may be run again."""


class RowCode:
    """Runs a row's code on a worker that is idle."""

    def __init__(self, worker: Worker, limits: dict[str, Any], wall_s: float, cancel: threading.Event | None) -> None:
        self.worker, self.limits, self.wall_s, self.cancel = worker, limits, wall_s, cancel

    def checked(self, case: StdioCase, got: bytes) -> Outcome:
        """What the row's checker says of an output. Where it fails on that output, the output is wrong.

        Raises:
            CaseError: it does not accept the expected output either, or fails on it: the fault is the row's.
        """
        shown = got.decode("utf-8", "replace")
        accepted, said = self._ask(case, got)
        if accepted:
            return Outcome(True, shown, said)
        own, reason = self._ask(case, to_bytes(case.expected))
        if not own:
            does = "rejects" if own is False else "fails on"
            raise CaseError(
                f"the row's checker {does} the row's own expected output ({reason or 'no reason given'}); "
                f"repair or drop the row"
            )
        return Outcome(False, shown, said if accepted is False else f"the checker failed on this output: {said}")

    def _ask(self, case: StdioCase, got: bytes) -> tuple[bool | None, str]:
        """(accepted, what the checker said); None where it failed."""
        texts = (to_bytes(case.given), to_bytes(case.expected), got)
        spec = json.dumps({"sizes": [len(text) for text in texts]}).encode()
        report = self._run("checker", (to_bytes(case.checker_program), spec, b"".join(texts)))
        said = report.stdout.decode("utf-8", "replace").strip()
        if report.stopped:
            return None, f"it exceeded its {report.stopped} limit"
        if report.result or report.exit_code < 0 or (report.exit_code == 0 and not said):
            error = report.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            return None, (error or f"it ended with code {report.exit_code} and said nothing")[:_SHOWN]
        return report.exit_code == 0 and said.split()[0].lower() in _ACCEPTS, said[:_SHOWN]

    def demand_prefix(self, prefix: str) -> None:
        """Run a row's prefix alone.

        Raises:
            CaseError: it fails, so no program can be judged behind it.
        """
        report = self._run("prefix", (to_bytes(prefix),))
        try:
            outcome = str(safe_json.loads(report.result, _WORD_BYTES)["outcome"])
        except (ValueError, KeyError, TypeError):
            outcome = f"it ended with code {report.exit_code}"
        if outcome != "passed":
            raise CaseError(f"import_prefix of the row fails by itself ({outcome[:_SHOWN]}); repair or drop the row")

    def _run(self, mode: str, blobs: tuple[bytes, ...]) -> JailReport:
        self.worker.submit(JailTest(mode=mode, blobs=blobs, limits=self.limits, wall_s=self.wall_s))
        report = self.worker.report(self.wall_s, self.cancel)
        if report is None:
            raise CancelledError
        if not report.stopped and report.exit_code == -signal.SIGKILL:
            raise KilledError
        return report
