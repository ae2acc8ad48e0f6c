"""Tasks of reasoning-gym as sources: generated problems, each judged by the task's own scorer.

Scorers are code of that package that reads what a model wrote: they run in processes of their own, which are ended when
they take too long. Tasks whose scorer evaluates the answer as Python are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Final

from or1_data.schema import Problem, make_problem
from or1_reward.types import Status, Verdict
from or1_reward.workers import WorkerFailureError, WorkerPool, WorkerTimeoutError
from or1_trainer.errors import ConfigError

KEY: Final = "reasoning_gym"
"""In `extra_info`: task, settings, seed, size and index of a problem, which make it again."""
HELDOUT: Final = "gym:"
"""How `data.heldout` names a task."""
EVALUATING: Final = frozenset(
    {
        "binary_matrix", "countdown", "intermediate_integration", "n_queens", "polynomial_multiplication", "puzzle24",
        "simple_integration", "spiral_matrix", "string_insertion",
    }
)  # fmt: skip
"""Tasks whose scorer calls `eval`, or sympy's parser, which does, on the answer."""
SCORE_LIMIT_S: Final = 20.0
INSTRUCTION: Final = "Put the final answer between <answer> and </answer>, in the format that the question asks for."
_TAGGED: Final = re.compile(r"<answer>\s?(.*?)\s?</answer>", re.DOTALL)
_BOXED: Final = re.compile(r"\\boxed\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GymTruth:
    """What the responses to a problem of reasoning-gym are judged by."""

    task: str
    settings: Mapping[str, Any]
    seed: int
    size: int
    index: int


def gym_problems(task: str, settings: Mapping[str, Any], *, seed: int, size: int) -> Iterator[Problem]:
    """The first `size` problems of a task. Raises `ConfigError` for a task that is not there, or not to be trusted."""
    if task in EVALUATING or task == "composite":
        raise ConfigError(
            f"reasoning-gym's scorer of {task!r} evaluates the model's text as Python: choose another task"
        )
    dataset = _dataset(task, settings, seed, size)
    for index in range(size):
        entry = dataset[index]
        place = {"task": task, "settings": dict(settings), "seed": seed, "size": size, "index": index}
        yield make_problem(
            f"{entry['question'].strip()}\n\n{INSTRUCTION}",
            [str(entry["answer"])],
            ability="math",
            data_source=task,
            extra_info={"index": index, KEY: place},
        )


def gym_truth(problem: Problem) -> GymTruth | None:
    """What a problem is judged by; None for one that is not of reasoning-gym."""
    place = problem.extra_info.get(KEY)
    if not isinstance(place, Mapping):
        return None
    return GymTruth(**{field.name: place[field.name] for field in fields(GymTruth)})


def judge_gym(truth: GymTruth, responses: Sequence[str], reasons: Sequence[str | None], workers: int) -> list[Verdict]:
    """One verdict per response: the scorer's value, from 0 to 1, as its share; `correct` is a value of 1."""
    answers = [None if reason == "length" else answer_of(text) for text, reason in zip(responses, reasons, strict=True)]
    asked = iter(_judged(truth, [answer for answer in answers if answer is not None], workers))
    unasked = [Verdict(status=Status.TRUNCATED if reason == "length" else Status.NO_ANSWER) for reason in reasons]
    return [other if answer is None else next(asked) for answer, other in zip(answers, unasked, strict=True)]


def _judged(truth: GymTruth, answers: Sequence[str], workers: int) -> list[Verdict]:
    """The verdicts of one question to a worker; where it takes too long, one question for each answer."""
    if not answers:
        return []
    question = {**asdict(truth), "answers": list(answers)}
    try:
        found = _pool(workers).ask(question, SCORE_LIMIT_S, wall_s=6 * SCORE_LIMIT_S)
    except WorkerTimeoutError:
        if len(answers) > 1:
            return [_judged(truth, [answer], workers)[0] for answer in answers]
        return [Verdict(status=Status.TIME_LIMIT, extracted=answers[0], detail="reasoning-gym's scorer takes too long")]
    except WorkerFailureError as error:
        return [Verdict(status=Status.VERIFIER_ERROR, detail=f"reasoning-gym's scorer: {error}")] * len(answers)
    return [_verdict(answer, score) for answer, score in zip(answers, found["scores"], strict=True)]


def answer_of(response: str) -> str | None:
    """The last answer between tags, else the last one in a box; None where there is none."""
    found = _TAGGED.findall(response) or _BOXED.findall(response)
    return str(found[-1]).strip() if found else None


def _verdict(answer: str, score: float | str) -> Verdict:
    """`score` is what the worker sends: a number, or what the scorer raised."""
    if isinstance(score, str):
        return Verdict(status=Status.VERIFIER_ERROR, extracted=answer, detail=f"reasoning-gym's scorer raised {score}")
    return Verdict(status=Status.CORRECT if score >= 1 else Status.WRONG, extracted=answer, share=min(score, 1.0))


def _dataset(task: str, settings: Mapping[str, Any], seed: int, size: int) -> Any:
    try:
        from or1_trainer.rewards.gym_worker import dataset_of
    except ImportError as error:
        raise ConfigError(f"the task {task!r} needs reasoning-gym; install `or1-trainer[gym]`") from error
    try:
        return dataset_of(task, json.dumps(dict(settings)), seed, size)
    except (ValueError, TypeError, AssertionError) as error:
        raise ConfigError(f"reasoning-gym task {task!r}: {error}") from error


@cache
def _pool(workers: int) -> WorkerPool:
    return WorkerPool("or1_trainer.rewards.gym_worker", size=workers, memory_mb=0)
