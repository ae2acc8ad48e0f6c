"""A reward function for OpenRLHF: point `--remote_rm_url` (`--reward.remote_url`) at this file.

`python -c "import or1_reward.adapters.openrlhf as m; print(m.__file__)"` prints the path; `--label_key` names
the column with the ground truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from or1_reward.adapters import required_reward
from or1_reward.grading import verify_many

WORKERS = 4


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[object], **_: Any) -> dict[str, Any]:
    """Score a batch.

    Args:
        queries: prompt and response as one text.
        prompts: the prompts alone.
        labels: ground truths.

    Returns:
        `rewards` for the advantage, `scores` for dynamic filtering, `extra_logs`: float tensors of shape [batch].

    Raises:
        VerifierFailedError: the grader failed on a sample; OpenRLHF has no way to leave one out.
    """
    import torch  # OpenRLHF's own; this package does not depend on it

    responses = [query.removeprefix(prompt) for query, prompt in zip(queries, prompts, strict=True)]
    verdicts = verify_many(zip(responses, labels, strict=True), WORKERS)
    rewards = torch.tensor([required_reward(verdict, None) for verdict in verdicts], dtype=torch.float32)
    answered = torch.tensor([float(verdict.extracted is not None) for verdict in verdicts])
    return {"rewards": rewards, "scores": rewards, "extra_logs": {"accuracy": rewards, "answered": answered}}
