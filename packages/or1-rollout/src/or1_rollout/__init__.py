"""Prompts -> groups of completions, with token ids and log-probs.

Importing this pulls neither torch nor transformers nor vLLM. The engines are in `or1_rollout.engines`:
`transformers.TransformersEngine`, `vllm.VllmEngine`, `vllm.servers.VllmServers` for servers that take weights, and
`openai.EndpointEngine` for any other server.
"""

from importlib.metadata import version

from or1_rollout.engine import Engine
from or1_rollout.errors import EndpointError, EngineError, Or1RolloutError, RowError, WeightMismatch
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams
from or1_rollout.weight_sync import Probe, TensorStream, WeightStream

__version__ = version("or1-rollout")

__all__ = [
    "Completion",
    "EndpointError",
    "Engine",
    "EngineError",
    "FinishReason",
    "Or1RolloutError",
    "Probe",
    "Prompt",
    "RowError",
    "SamplingParams",
    "TensorStream",
    "WeightMismatch",
    "WeightStream",
    "__version__",
    "sample_seed",
]
