"""Prompts -> groups of completions, with token ids and log-probs.

The embedded engine.

Importing this pulls neither torch nor transformers; the embedded engine is `or1_rollout.embedded.TransformersEngine`.
"""

from importlib.metadata import version

from or1_rollout.engine import Engine
from or1_rollout.errors import EngineError, Or1RolloutError, RowError, WeightPushError
from or1_rollout.proof import Fingerprint, fingerprint, prove_push
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams

__version__ = version("or1-rollout")

__all__ = [
    "Completion",
    "Engine",
    "EngineError",
    "Fingerprint",
    "FinishReason",
    "Or1RolloutError",
    "Prompt",
    "RowError",
    "SamplingParams",
    "WeightPushError",
    "__version__",
    "fingerprint",
    "prove_push",
    "sample_seed",
]
