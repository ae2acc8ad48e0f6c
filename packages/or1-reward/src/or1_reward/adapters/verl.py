"""Reward functions for verl: point `custom_reward_function.path` at this file.

    custom_reward_function.path=<this file>  custom_reward_function.name=compute_score          naive manager
    custom_reward_function.path=<this file>  custom_reward_function.name=compute_score_batched  batch manager

`python -c "import or1_reward.adapters.verl as m; print(m.__file__)"` prints the path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from or1_reward.adapters import VERIFIER_ERROR_SCORE, required_reward
from or1_reward.code_settings import CodeSettings
from or1_reward.comparison import parse_compare
from or1_reward.grading import Grader
from or1_reward.maths import TRAINING
from or1_reward.types import Status, Verdict


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    *,
    verifier_error_score: float | None = VERIFIER_ERROR_SCORE,
    partial_scores: bool = False,
    compare: str = "livecodebench",
    **_: Any,
) -> dict[str, Any]:
    """Score one response; verl's reward managers call it with these keyword arguments.

    Args:
        data_source: unused, the ground truth says what kind of problem it is.
        solution_str: the decoded response.
        ground_truth: `reward_model.ground_truth` of the row.
        extra_info: `finish_reason`, where the rollout worker put one there, marks truncated responses.
        verifier_error_score: what a failure of the grader scores (verl takes numbers only), set through
            `custom_reward_function.reward_kwargs`; None ends the run with an error.
        partial_scores: the score of a program is the share of tests that it passes, also set through `reward_kwargs`.
        compare: how outputs of programs are compared where the row does not say (see `or1_reward.comparison`).

    Returns:
        `score`, and for verl's metrics `acc`, `verifier_error` (1.0 where the grader failed), `status`, `extracted`.
    """
    grader = Grader(TRAINING, _code_settings(partial_scores, compare))
    verdict = grader.verify(solution_str, ground_truth, finish_reason=_finish_reason(extra_info))
    return _result(verdict, verifier_error_score)


def compute_score_batched(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[object],
    extra_infos: Sequence[Mapping[str, Any] | None],
    *,
    workers: int = 4,
    verifier_error_score: float | None = VERIFIER_ERROR_SCORE,
    partial_scores: bool = False,
    compare: str = "livecodebench",
    **_: Any,
) -> list[dict[str, Any]]:
    """Score a batch; see `compute_score`."""
    reasons = map(_finish_reason, extra_infos)
    grader = Grader(TRAINING, _code_settings(partial_scores, compare))
    verdicts = grader.verify_many(zip(solution_strs, ground_truths, reasons, strict=True), workers)
    return [_result(verdict, verifier_error_score) for verdict in verdicts]


def _code_settings(partial_scores: bool, compare: str) -> CodeSettings:
    return CodeSettings(compare=parse_compare(compare), partial_scores=partial_scores)


def _finish_reason(extra_info: Mapping[str, Any] | None) -> str | None:
    return extra_info.get("finish_reason") if extra_info else None


def _result(verdict: Verdict, verifier_error_score: float | None) -> dict[str, Any]:
    score = required_reward(verdict, verifier_error_score)
    return {
        "score": score,
        "acc": score,
        "verifier_error": float(verdict.status is Status.VERIFIER_ERROR),
        "status": verdict.status.value,
        "extracted": verdict.extracted or "",
    }
