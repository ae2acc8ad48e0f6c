"""A reward function for OpenRLHF: point `--remote_rm_url` (`--reward.remote_url`) at this file.

`python -c "import or1_reward.adapters.openrlhf as m; print(m.__file__)"` prints the path; `--label_key` names
the column with the ground truth. OpenRLHF passes no settings to such a file: the environment variable
`OR1_REWARD_VERIFIER_ERROR` says what a failure of the grader scores (default 0.0), or `raise` to end the run; with
`OR1_REWARD_PARTIAL_SCORES=1` the reward of a program is the share of tests that it passes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from or1_reward.adapters import VERIFIER_ERROR_SCORE, required_reward
from or1_reward.code_settings import CodeSettings
from or1_reward.grading import Grader
from or1_reward.maths import TRAINING
from or1_reward.types import Status

WORKERS = 4


class PromptMismatchError(ValueError):
    """A query does not begin with its prompt, so that the response cannot be told from it."""


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[object], **_: Any) -> dict[str, Any]:
    """Score a batch.

    Args:
        queries: prompt and response as one text.
        prompts: the prompts alone.
        labels: ground truths.

    Returns:
        `rewards` for the advantage, `scores` for dynamic filtering, `extra_logs`: float tensors of shape [batch].

    Raises:
        PromptMismatchError: a query does not begin with its prompt; graded whole, its prompt's own example of a box
            could be taken for the answer.
        VerifierFailedError: the grader failed on a sample and `OR1_REWARD_VERIFIER_ERROR` is `raise`.
    """
    import torch  # OpenRLHF's own; this package does not depend on it

    pairs = zip(queries, prompts, strict=True)
    responses = [_response(query, prompt, at) for at, (query, prompt) in enumerate(pairs)]
    code = CodeSettings(partial_scores=os.environ.get("OR1_REWARD_PARTIAL_SCORES", "") == "1")
    verdicts = Grader(TRAINING, code).verify_many(zip(responses, labels, strict=True), WORKERS)
    instead = _score_of_a_failure()
    rewards = torch.tensor([required_reward(verdict, instead) for verdict in verdicts], dtype=torch.float32)
    answered = torch.tensor([float(verdict.extracted is not None) for verdict in verdicts])
    failed = torch.tensor([float(verdict.status is Status.VERIFIER_ERROR) for verdict in verdicts])
    logs = {"accuracy": rewards, "answered": answered, "verifier_error": failed}
    return {"rewards": rewards, "scores": rewards, "extra_logs": logs}


def _response(query: str, prompt: str, at: int) -> str:
    if not query.startswith(prompt):
        raise PromptMismatchError(
            f"query {at} does not begin with its prompt ({query[:60]!r} against {prompt[:60]!r}). Are both made by the "
            "same chat template, with special tokens kept or dropped in both?"
        )
    return query[len(prompt) :]


def _score_of_a_failure() -> float | None:
    said = os.environ.get("OR1_REWARD_VERIFIER_ERROR", str(VERIFIER_ERROR_SCORE))
    return None if said == "raise" else float(said)
