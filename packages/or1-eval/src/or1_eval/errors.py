"""Errors named after the boundary that was crossed; each message says what, where, and what to do."""

from __future__ import annotations


class EvalError(Exception):
    """Anything that or1-eval refuses or gives up on; the command line exits 1 with its message."""


class TaskError(EvalError):
    """A task, a problem file or a row of one cannot be used."""


class EngineError(EvalError):
    """The model server or engine did not give what was asked for."""


class RunFolderError(EvalError):
    """A run folder is not one, is damaged, or belongs to other settings."""


class EstimateError(EvalError, ValueError):
    """The samples do not allow the number that was asked for."""
