"""Reward functions in the shapes that other trainers call: `adapters.trl`, `adapters.verl`, `adapters.openrlhf`.

Each is a thin layer over `or1_reward.verify` with the settings for training (`or1_reward.maths.TRAINING`). What a
failure of the grader becomes is what the trainer allows: TRL takes None and leaves the sample out. verl and OpenRLHF
take numbers only: there it scores 0.0 and is counted in the metric `verifier_error`, or ends the run where that is
asked for.
"""

from __future__ import annotations

from or1_reward.types import Verdict

VERIFIER_ERROR_SCORE = 0.0


class VerifierFailedError(RuntimeError):
    """The grader itself failed twice on a response, and the run is to end then."""


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
        f"no verdict: {verdict.detail}. Give such samples a score (verifier_error_score) to go on instead of stopping"
    )
