"""Verdicts in background threads, on this machine or on grading servers, while the engine goes on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from multiprocessing.pool import AsyncResult, ThreadPool
from typing import Any

from or1_reward import Grader, GroundTruth, MathTruth
from or1_reward.code_settings import CodeSettings
from or1_reward.maths import TRAINING
from or1_reward.serve import RemoteGraders
from or1_reward.types import Verdict
from or1_rollout.types import Completion
from or1_trainer.config.rewards import RewardSettings
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.gym import GymTruth, judge_gym

PER_SERVER = 8
"""Responses that one rank sends to one grading server at a time."""

Judge = Callable[[Sequence[dict[str, Any]]], list[Verdict]]
"""Items of `or1_reward.verify_many` -> verdicts in their order; `row` is the ground truth as it is written."""

Truth = GroundTruth | GymTruth
"""What a response is judged by: an answer or tests, or the scorer of a generated task."""

Pending = Sequence[AsyncResult[list[Verdict]]]
"""The verdicts of one group, in chunks."""


def grading_servers(urls: Sequence[str]) -> RemoteGraders:
    """The client of the servers of `reward.urls`, with the settings for training.

    A server that wants a token gets that of the environment variable OR1_REWARD_TOKEN. Raises `ConfigError` where a URL
    is none. Whether a server answers is not asked here: in the middle of a run one may be away for a while.
    """
    try:
        return RemoteGraders(urls, maths=TRAINING, token=os.environ.get("OR1_REWARD_TOKEN", ""))
    except ValueError as error:
        raise ConfigError(f"reward.urls: {error}") from error


def verifier_of(settings: RewardSettings, *, partial_scores: bool = False) -> Verifier:
    """The verifier of a run: on this machine, or on the machines of `reward.urls`.

    With `partial_scores` every test of a program runs; servers do not give them (`config/check.py`). Raises
    `ConfigError` where a URL is none, or no server answers.
    """
    if partial_scores:
        return Verifier(settings.workers, Grader(TRAINING, CodeSettings(partial_scores=True)).verify_many)
    if not settings.urls:
        return Verifier(settings.workers)
    graders = grading_servers(settings.urls)
    if all(said["status"] == "away" for said in graders.health().values()):
        raise ConfigError(
            f"reward.urls: no grading server answers at {', '.join(settings.urls)}; start `or1-reward serve` there, "
            "or leave reward.urls empty to judge on this machine"
        )

    def judge(items: Sequence[dict[str, Any]]) -> list[Verdict]:
        """One server that is away gives its work to the others, and is used again when it is back."""
        return [graders.verify(item["response"], item["row"], finish_reason=item["finish_reason"]) for item in items]

    return Verifier(settings.workers or PER_SERVER * len(settings.urls), judge)


class Verifier:
    """Judges groups on `workers` threads, in the order in which they arrive.

    The threads mostly wait: programs run in the sandbox's processes, symbolic maths in worker processes. They are
    daemons, so that an interrupted run does not wait for a program that runs into its time limit.
    """

    def __init__(self, workers: int, judge: Judge | None = None) -> None:
        """Start the threads; `workers` 0 means this rank's share of the machine's cores.

        Without a `judge` it is this machine, where the question copied into the box earns nothing.
        """
        self._judge = judge or Grader(TRAINING).verify_many
        self._workers = workers or cores_per_rank()
        self._threads = ThreadPool(self._workers)

    def submit(self, completions: Sequence[Completion], truth: Truth, row: object = None) -> Pending:
        """Begin to judge a group. A truncated completion is `truncated`, reward 0, whatever it contains.

        Of several turns the last one is judged: what a tool printed is no answer of the policy.

        `row` is what `truth` was parsed from, which servers are sent.
        """
        items = [
            {"response": c.last_turn, "ground_truth": truth, "row": row, "finish_reason": c.finish_reason.value}
            for c in completions
        ]
        if isinstance(truth, GymTruth):
            texts, reasons = [c.last_turn for c in completions], [c.finish_reason.value for c in completions]
            return [self._threads.apply_async(judge_gym, (truth, texts, reasons, self._workers))]
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
