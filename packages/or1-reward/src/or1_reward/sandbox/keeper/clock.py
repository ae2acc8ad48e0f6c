"""The clock of a test: wall time, less what the test waited for a CPU that others had.

A verdict must not depend on the load of the machine. The kernel counts how long a task has waited for a CPU, but only
once it got one, so a task that is runnable and makes no progress from one look to the next is taken to be waiting.
Time in which this process itself was not run, or in which the hypervisor had the CPUs, does not count either.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from . import watch

STARVED_FACTOR = 12  # times its limit: the longest that any test gets, however loaded the machine is
_MOST_THREADS = 8
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_STEAL_COLUMN = 8


class Clock:
    """Time of one test, looked at every `every_s` seconds."""

    def __init__(self, template_pid: int, every_s: float) -> None:
        self.template_pid = template_pid
        self.longest_beat_s = 2 * every_s
        self.started_s = self.last_s = time.monotonic()
        self.beats_s = 0.0
        self.waited_s = 0.0
        self._before: tuple[float, float] | None = None  # what the template had waited, what was stolen, at first look
        self._seen: dict[str, tuple[str, float]] = {}  # task -> its counters, and since when they are the same

    @property
    def elapsed_s(self) -> float:
        """Wall time."""
        return time.monotonic() - self.started_s

    @property
    def own_s(self) -> float:
        """The test's own time, as of the last look."""
        unseen_s = min(time.monotonic() - self.last_s, self.longest_beat_s)
        return self.beats_s + unseen_s - self.waited_s

    def look(self, processes: list[int]) -> None:
        """Take note of what the template and the test's processes have waited."""
        now_s = time.monotonic()
        self.beats_s += min(now_s - self.last_s, self.longest_beat_s)
        self.last_s = now_s
        template_s, stolen_s = self._waited_s(self.template_pid, [self.template_pid], now_s), _stolen_s()
        if self._before is None:
            self._before = template_s, stolen_s
        tasks = [self._waited_s(pid, _threads(pid, len(processes)), now_s) for pid in processes]
        waited_s = max(tasks, default=0.0) + template_s - self._before[0] + stolen_s - self._before[1]
        self.waited_s = max(self.waited_s, waited_s)

    def _waited_s(self, pid: int, threads: list[int], now_s: float) -> float:
        """The longest that a thread of a process has waited."""
        return max((self._thread_waited_s(f"/proc/{pid}/task/{tid}", now_s) for tid in threads), default=0.0)

    def _thread_waited_s(self, task: str, now_s: float) -> float:
        counters = watch.read(f"{task}/schedstat")
        words = counters.split()
        if not words:
            return 0.0
        before, since_s = self._seen.get(task, ("", now_s))
        if before != counters:
            since_s = now_s
            self._seen[task] = counters, now_s
        waiting_s = now_s - since_s
        if waiting_s and watch.stat_fields(task)[:1] != ["R"]:
            waiting_s = 0.0
        return int(words[1]) / 1e9 + waiting_s


def _threads(pid: int, processes: int) -> list[int]:
    """The threads to look at: all of a small test, the first ones of a large one."""
    if processes > _MOST_THREADS:
        return [pid]
    return [int(name) for name in watch.listed(f"/proc/{pid}/task")[:_MOST_THREADS]]


def _stolen_s() -> float:
    """CPU time that the hypervisor gave to others, all CPUs together; 0 where the kernel does not say."""
    with Path("/proc/stat").open() as file:
        words = file.readline().split()
    return int(words[_STEAL_COLUMN]) / _TICKS_PER_S if len(words) > _STEAL_COLUMN else 0.0
