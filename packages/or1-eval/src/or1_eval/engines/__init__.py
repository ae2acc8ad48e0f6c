"""Engines of this package: none needs torch until a model is loaded in this process."""

from or1_eval.engines.endpoint import EndpointEngine, endpoint
from or1_eval.engines.function import FunctionEngine
from or1_eval.engines.replay import ReplayEngine
from or1_rollout.engines.openai import EndpointSettings

__all__ = ["EndpointEngine", "EndpointSettings", "FunctionEngine", "ReplayEngine", "endpoint"]
