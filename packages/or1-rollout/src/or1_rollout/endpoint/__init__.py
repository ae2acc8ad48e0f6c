"""Rollouts from any server with an OpenAI-compatible interface: vLLM, SGLang, llama.cpp, a hosted API."""

from or1_rollout.endpoint.engine import EndpointEngine
from or1_rollout.endpoint.settings import EndpointSettings

__all__ = ["EndpointEngine", "EndpointSettings"]
