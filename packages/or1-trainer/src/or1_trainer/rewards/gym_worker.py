"""The worker process that runs reasoning-gym's scorers: `python -m or1_trainer.rewards.gym_worker`.

Numbered lines of JSON in and out, as `or1_reward.workers` speaks them. A question is given up after its CPU time.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import warnings
from functools import lru_cache
from types import FrameType
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that it imports
    import reasoning_gym


@lru_cache(64)
def dataset_of(task: str, settings: str, seed: int, size: int) -> Any:
    """The task's problems; `settings` is JSON text. Raises what reasoning-gym raises for settings that it has not."""
    return reasoning_gym.create_dataset(task, **json.loads(settings), seed=seed, size=size)


def _scores(request: dict[str, Any]) -> dict[str, Any]:
    dataset = dataset_of(request["task"], json.dumps(request["settings"]), request["seed"], request["size"])
    entry = dataset[request["index"]]
    return {"scores": [_score(dataset, answer, entry) for answer in request["answers"]]}


def _score(dataset: Any, answer: str, entry: dict[str, Any]) -> float | str:
    """A scorer may raise anything about a text that it did not expect: then what it raised."""
    try:
        score = float(dataset.score_answer(answer, entry))
    except _OutOfTime:
        raise
    except Exception as error:  # noqa: BLE001  of another package, about what a model wrote
        return f"{type(error).__name__}: {error}"
    return score if math.isfinite(score) else f"ValueError: a score of {score}"


class _OutOfTime(BaseException):
    """The CPU time of a question is spent."""


def _out_of_time(number: int, frame: FrameType | None) -> None:
    raise _OutOfTime


def main() -> None:
    """Serve questions until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    signal.signal(signal.SIGPROF, _out_of_time)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a task prints is no answer
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        number, _, text = line.partition(" ")
        request, answer = json.loads(text), dict[str, Any]()
        signal.setitimer(signal.ITIMER_PROF, request["limit_s"])
        try:
            answer = _scores(request)
        except _OutOfTime:
            answer = {"limit": "time"}
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps({"number": int(number), **answer}), file=answers, flush=True)


if __name__ == "__main__":
    main()
