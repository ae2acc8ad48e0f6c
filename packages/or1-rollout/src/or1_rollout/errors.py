"""Errors of or1-rollout, named after the boundary they crossed."""

from __future__ import annotations


class Or1RolloutError(Exception):
    """Root of this package's errors."""


class EngineError(Or1RolloutError):
    """An engine cannot do what it was asked: a model it cannot load, a request it cannot hold."""


class EndpointError(Or1RolloutError):
    """A server did not answer as its protocol says, after every retry."""


class WeightPushError(Or1RolloutError):
    """The engine does not hold the weights that were pushed; the message names the tensors."""
