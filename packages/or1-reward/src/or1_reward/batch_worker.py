"""The worker process that judges maths answers in chunks: `python -m or1_reward.batch_worker MEMORY_MB`.

Maths verdicts are a matter of microseconds of pure Python, so only processes make use of more cores. Where a
worker dies, the halves of its chunk go to other ones; nothing is scored 0 because a process died.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from typing import Any, Final

from or1_reward.ground_truth import MathTruth
from or1_reward.maths import MathSettings
from or1_reward.types import Limits

_IDLE_CHECK_S: Final = 2.0


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from or1_reward.grading import Grader  # here: the parent imports this module from there

    grader = Grader(MathSettings(**request["settings"]))
    limits = Limits(**request["limits"])
    verdicts = [
        grader.verify(response, MathTruth(tuple(golds)), finish_reason=reason, limits=limits)
        for response, golds, reason in request["items"]
    ]
    return {"verdicts": [(one.status.value, one.extracted, one.detail, one.elapsed_s) for one in verdicts]}


def main() -> None:
    """Serve requests until standard input closes or the parent is gone."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    pieces: list[bytes] = []
    while os.getppid() == parent:
        if not select.select([0], [], [], _IDLE_CHECK_S)[0]:
            continue
        chunk = os.read(0, 1 << 20)
        if not chunk:
            return
        pieces.append(chunk)
        if b"\n" not in chunk:
            continue
        *lines, rest = b"".join(pieces).split(b"\n")
        pieces = [rest]
        for line in lines:
            number, _, request = line.partition(b" ")
            sys.stdout.write(json.dumps({"number": int(number), **_answer(json.loads(request))}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
