"""The worker process in which sympy runs: `python -m or1_reward.maths.symbolic.worker MEMORY_MB`.

It loads sympy and forks a child, which answers the requests. A timer of the kernel (`ITIMER_PROF`), which counts the
child's own CPU time, ends a child that takes too long for a request; the next one is forked in milliseconds with sympy
loaded. The limit is not kept by a signal from another process, which could come late and end the next request. No
request waits for the warm-up: one that comes before its end is answered by a "cold" child, which gets more CPU time and
is replaced afterwards.

Standard input has one line per request, its number and a JSON object (`7 {"left": ..., "right": ..., "limit_s": ...}`).
Standard output has one JSON object per line: `{}` when sympy is loaded, then replies with `number` and either `equal`
and `cpu_s`, or `limit` ("time" or "memory"), or `died` (the exit status of the child).
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import select
import signal
import sys
import time
from typing import Any, Final

_IDLE_CHECK_S: Final = 2.0
_COLD_S: Final = 0.5  # CPU time in which sympy loads what its first question needs
_REPLACE: Final = 3  # exit status of a child that has answered and wants a successor
_PDEATHSIG: Final = 1  # prctl(2): the kernel ends a child whose parent was killed
_NUMBER_BYTES: Final = 8
_READ_BYTES: Final = 1 << 16


def main() -> None:
    """Serve requests until standard input closes or the parent is gone."""
    parent = os.getppid()
    memory_bytes = int(sys.argv[1]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    from or1_reward.maths.symbolic.answers import WARM_UP

    os.write(1, b"{}\n")
    steps = list(WARM_UP)
    working_on = mmap.mmap(-1, _NUMBER_BYTES)  # shared with the children: the number of the request in work, 0: none
    while os.getppid() == parent:
        while steps and not select.select([0], [], [], 0)[0]:
            steps.pop(0)()
        if not _one_child(working_on, cold=bool(steps)):
            return


def _one_child(working_on: mmap.mmap, *, cold: bool) -> bool:
    """Fork a child, wait for its end, reply to the request that it left unanswered; return whether to go on."""
    child = os.fork()
    if child == 0:
        os._exit(_serve(working_on, cold=cold))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    number = int.from_bytes(working_on[:], "little")
    working_on[:] = bytes(_NUMBER_BYTES)
    if number:
        outcome = {"limit": "time"} if code == -signal.SIGPROF else {"died": code}
        os.write(1, json.dumps({"number": number, **outcome}).encode() + b"\n")
    return code != 0


def _serve(working_on: mmap.mmap, *, cold: bool) -> int:
    """Answer requests until standard input ends or this child is to be replaced; return the exit status."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process at once, also inside C code
    while os.getppid() == parent:
        if not select.select([0], [], [], _IDLE_CHECK_S)[0]:
            continue
        reply = _reply(working_on, extra_s=_COLD_S if cold else 0.0)
        if reply is None:
            return 0
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.write(1, json.dumps(reply).encode() + b"\n")
        working_on[:] = bytes(_NUMBER_BYTES)
        if cold or "limit" in reply:
            return _REPLACE
    return 0


def _reply(working_on: mmap.mmap, *, extra_s: float) -> dict[str, Any] | None:
    """Read a request and return the reply, None at the end of standard input.

    The kernel ends the process when the answer takes more CPU time than the request's `limit_s`, plus `extra_s`.
    """
    from or1_reward.maths.symbolic.answers import answer

    number = 0
    try:
        pieces = [os.read(0, _READ_BYTES)]
        if not pieces[0]:
            return None
        number = int(pieces[0].partition(b" ")[0])
        working_on[:] = number.to_bytes(_NUMBER_BYTES, "little")
        while b"\n" not in pieces[-1]:
            pieces.append(os.read(0, _READ_BYTES))
            if not pieces[-1]:
                return None
        request = json.loads(b"".join(pieces).partition(b" ")[2])
        limit_s = request["limit_s"] + extra_s
        _limit_memory(request.get("memory_mb"))
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        equal = answer(request)
        return {"number": number, "equal": equal, "cpu_s": time.process_time() - started}
    except MemoryError:
        return {"number": number, "limit": "memory"}


def _limit_memory(memory_mb: int | None) -> None:
    """Set the limit of address space for this request, at most that of the worker; None: that of the worker."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = hard if memory_mb is None else min(hard, memory_mb << 20)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    main()
