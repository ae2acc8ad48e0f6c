"""Verdicts while the engine goes on: threads that judge samples as they come."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from or1_eval.errors import EvalError, TaskError
from or1_eval.samples import Sample
from or1_eval.types import Problem, Task
from or1_reward import GroundTruthError, parse_ground_truth
from or1_reward.types import Status, Verdict

Verifier = Callable[..., Verdict | float | bool]
"""`verify(response, ground_truth, *, finish_reason)` -> a Verdict, or a reward of 1 or 0."""


def check_ground_truths(task: Task) -> None:
    """Every row can be graded, asked before a single token is paid for; lazy ones are looked at when graded.

    Raises:
        TaskError: names the task and the row.
    """
    for problem in task.problems:
        if not callable(problem.ground_truth):
            try:
                parse_ground_truth(problem.ground_truth, row=problem.id)
            except GroundTruthError as error:
                raise TaskError(f"task {task.name!r}: {error}") from error


class Grading:
    """Judges samples in `workers` threads and hands each graded sample to `done` (called from those threads).

    The verifiers of or1-reward do their heavy work in processes, so threads keep all cores busy. A lazy
    ground truth lives only while its sample is judged.
    """

    def __init__(
        self, problems: Mapping[str, Problem], done: Callable[[Sample], None], *, verify: Verifier, workers: int = 1
    ) -> None:
        """Start no thread yet; the first sample does. Raises `EvalError` for less than one worker."""
        if workers < 1:
            raise EvalError(f"workers must be at least 1, not {workers}")
        self._problems = problems
        self._done = done
        self._verify = verify
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="or1-eval-grading")
        self._failure: BaseException | None = None

    def submit(self, sample: Sample) -> None:
        """Queue one sample; raises what an earlier one raised (a full disk, a row that cannot be graded)."""
        self._raise_failure()
        self._pool.submit(self._grade, sample).add_done_callback(self._note_failure)

    def finish(self) -> None:
        """Wait until all are judged; raises the first failure."""
        self._pool.shutdown()
        self._raise_failure()

    def cancel(self) -> None:
        """Give up what has not begun; what has begun ends first, so nothing is half written."""
        self._pool.shutdown(cancel_futures=True)

    def _grade(self, sample: Sample) -> None:
        if self._failure is None:  # after a failure the rest is not worth the time: it stays ungraded
            self._done(replace(sample, verdict=judge(self._problems[sample.problem_id], sample, self._verify)))

    def _note_failure(self, future: Future[None]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            self._failure = self._failure or error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def judge(problem: Problem, sample: Sample, verify: Verifier) -> Verdict:
    """The verdict of one sample. A verifier that raises is a `verifier_error`, never a wrong answer.

    Raises:
        TaskError: the row cannot be graded at all, which no model output can cause.
    """
    try:
        found: Any = verify(sample.judged_text, problem.truth(), finish_reason=sample.finish_reason)
        is_reward = not isinstance(found, Verdict) and bool(found in (0, 1))
    except GroundTruthError as error:
        raise TaskError(f"problem {problem.id!r}: {error}") from error
    except Exception:  # noqa: BLE001  the boundary to a verifier that may be anybody's
        return Verdict(status=Status.VERIFIER_ERROR, detail=traceback.format_exc(limit=-3))
    if isinstance(found, Verdict):
        return found
    if not is_reward:
        said = f"the verifier returned {found!r}; it must return a Verdict, or a reward of 1 or 0"
        return Verdict(status=Status.VERIFIER_ERROR, detail=said)
    if sample.finish_reason == "length":
        return Verdict(status=Status.TRUNCATED, detail="the engine stopped at its length limit")
    return Verdict(status=Status.CORRECT if found else Status.WRONG, detail=f"the verifier said {found!r}")
