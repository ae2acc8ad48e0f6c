"""The embedded engine: `transformers` models in this process, on CPU or GPU, no server."""

from or1_rollout.engines.transformers.engine import TransformersEngine

__all__ = ["TransformersEngine"]
