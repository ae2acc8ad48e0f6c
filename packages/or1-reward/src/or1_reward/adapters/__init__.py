"""Reward functions in the shapes that other trainers call: `adapters.trl`, `adapters.verl`, `adapters.openrlhf`.

Each is a thin layer over `or1_reward.verify`. What a grader's own failure becomes is what the trainer allows: TRL takes
None; verl and OpenRLHF want numbers, so there it is a `VerifierFailedError`, never a silent 0.
"""

from __future__ import annotations

from or1_reward.types import Verdict


class VerifierFailedError(RuntimeError):
    """The grader itself failed twice on a response and the trainer has no way to leave a sample out."""


def required_reward(verdict: Verdict, instead: float | None) -> float:
    """The reward, or `instead` of one where the grader failed.

    Raises:
        VerifierFailedError: the grader failed and `instead` is None.
    """
    if verdict.reward is not None:
        return verdict.reward
    if instead is not None:
        return instead
    raise VerifierFailedError(
        f"no verdict: {verdict.detail}. Pass verifier_error_score to give such samples a score instead of stopping"
    )
