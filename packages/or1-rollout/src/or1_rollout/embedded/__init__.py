"""The embedded engine: `transformers` models in this process, on CPU or GPU, no server."""

from or1_rollout.embedded.engine import TransformersEngine

__all__ = ["TransformersEngine"]
