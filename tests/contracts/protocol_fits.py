"""Read by mypy, never run: each function compiles only if what it returns satisfies the consumer's protocol.

`test_protocols.py` runs mypy --strict over this file, and calls the same pairs.
"""

from __future__ import annotations

import or1_data.verifying as data
import or1_eval.types as evaluation
import or1_reward
import or1_rollout.types as rollout
from or1_data.calls import ChatModel
from or1_data.calls.servers import ServedModel
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


def model_for_data(model: ServedModel) -> ChatModel:
    """or1-data's served model, which is or1-rollout's client, fits its own protocol."""
    return model


def completion_for_eval(completion: rollout.Completion) -> evaluation.CompletionLike:
    """A completion of any or1-rollout engine is what or1-eval reads."""
    return completion


def engine_for_eval(engine: Engine) -> evaluation.Engine:
    """Any or1-rollout engine is handed to `or1_eval.evaluate`."""
    return engine
