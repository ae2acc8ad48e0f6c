"""Client and engine for servers with an OpenAI-compatible interface: vLLM, SGLang, llama.cpp, a hosted API.

`OpenAIClient` sends single requests (`complete`, `chat`) and needs httpx only; `EndpointEngine` makes groups of
completions of them.
"""

from or1_rollout.async_engine import run_sync
from or1_rollout.engines.openai.client import OpenAIClient
from or1_rollout.engines.openai.concurrency import map_concurrently
from or1_rollout.engines.openai.engine import EndpointEngine
from or1_rollout.engines.openai.response import Response
from or1_rollout.engines.openai.selector import LeastBusyServer, ServerSelector
from or1_rollout.engines.openai.settings import EndpointSettings

__all__ = [
    "EndpointEngine",
    "EndpointSettings",
    "LeastBusyServer",
    "OpenAIClient",
    "Response",
    "ServerSelector",
    "map_concurrently",
    "run_sync",
]
