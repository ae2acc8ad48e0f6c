"""Verdicts in background threads, while the engine goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from multiprocessing.pool import AsyncResult, ThreadPool
from typing import Any

from or1_reward import Grader, GroundTruth, MathTruth
from or1_reward.maths import TRAINING
from or1_reward.types import Verdict
from or1_rollout.types import Completion

Judge = Callable[[Sequence[dict[str, Any]]], list[Verdict]]
"""Items of `or1_reward.verify_many` -> verdicts in their order."""

Pending = Sequence[AsyncResult[list[Verdict]]]
"""The verdicts of one group, in chunks."""


def judge_for_training(items: Sequence[dict[str, Any]]) -> list[Verdict]:
    """Verdicts in the order of the items; the question copied into the box earns nothing."""
    return Grader(TRAINING).verify_many(items)


class Verifier:
    """Judges groups on `workers` threads, in the order in which they arrive.

    The threads mostly wait: programs run in the sandbox's processes, symbolic maths in worker processes. They are
    daemons, so that an interrupted run does not wait for a program that runs into its time limit.
    """

    def __init__(self, workers: int, judge: Judge = judge_for_training) -> None:
        """Start the threads; `workers` 0 means this rank's share of the machine's cores."""
        self._judge = judge
        self._threads = ThreadPool(workers or cores_per_rank())

    def submit(self, completions: Sequence[Completion], truth: GroundTruth) -> Pending:
        """Begin to judge a group. A truncated completion is `truncated`, reward 0, whatever it contains."""
        items = [
            {"response": c.text, "ground_truth": truth, "finish_reason": c.finish_reason.value} for c in completions
        ]
        # a maths answer takes microseconds, a program seconds
        chunks = [items] if isinstance(truth, MathTruth) else [[item] for item in items]
        return [self._threads.apply_async(self._judge, (chunk,)) for chunk in chunks]

    def close(self) -> None:
        """Drop what has not begun; a verdict that is being worked on is not waited for."""
        self._threads.terminate()


def verdicts_of(pending: Pending) -> list[Verdict]:
    """Wait for the verdicts of one group, and raise what the verifier raised."""
    return [verdict for chunk in pending for verdict in chunk.get()]


def cores_per_rank() -> int:
    """The cores of this machine divided by the ranks on it; at least 1."""
    return max(1, num_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))
