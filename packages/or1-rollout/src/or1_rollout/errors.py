"""Errors of or1-rollout, named after the boundary they crossed."""

from __future__ import annotations


class Or1RolloutError(Exception):
    """Root of this package's errors."""


class EngineError(Or1RolloutError):
    """An engine cannot do what it was asked: a model it cannot load, a request it cannot hold."""


class EndpointError(EngineError):
    """A server refused a request, or gave no usable answer in all the attempts it was granted."""


class WeightMismatch(Or1RolloutError):  # noqa: N818 - named for what it says
    """The engine does not hold the weights it was sent, or does not compute with them; the message says which."""


class EnvironmentFailure(Or1RolloutError):  # noqa: N818 - named for what it says
    """An environment, or its chat template, failed: our fault or that of the machine, never the model's."""


class RowError(Or1RolloutError):
    """A line of an input file is no prompt row; the message names file and line."""


class SettingsError(Or1RolloutError):
    """A file of completions was made with other settings than it is to be continued with; the message names them."""
