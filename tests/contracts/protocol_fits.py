"""Read by mypy, never run: each function compiles only if what it returns satisfies the consumer's protocol.

`test_protocols.py` runs mypy --strict over this file, and calls the same pairs.
"""

from __future__ import annotations

import or1_data.difficulty.estimate as difficulty
import or1_data.verifying as data
import or1_eval.types as evaluation
import or1_reward
import or1_rollout.types as rollout
from or1_data.difficulty.sampler import EndpointSampler
from or1_eval.grading import Verifier as EvalVerifier
from or1_rollout.engine import Engine


def verdict_for_data(verdict: or1_reward.Verdict) -> data.Verdict:
    """A verdict of or1-reward is what or1-data reads."""
    return verdict


def verifier_for_data() -> data.Verifier:
    """`or1_reward.verify` is handed to or1-data."""
    return or1_reward.verify


def verifier_for_eval() -> EvalVerifier:
    """`or1_reward.verify` is or1-eval's default."""
    return or1_reward.verify


def sampler_for_data(sampler: EndpointSampler) -> difficulty.Sampler:
    """or1-data's own sampler fits its own protocol."""
    return sampler


def completion_for_eval(completion: rollout.Completion) -> evaluation.CompletionLike:
    """A completion of any or1-rollout engine is what or1-eval reads."""
    return completion


def engine_for_eval(engine: Engine) -> evaluation.Engine:
    """Any or1-rollout engine is handed to `or1_eval.evaluate`."""
    return engine
