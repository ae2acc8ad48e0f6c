"""Errors of the trainer, named after the boundary where they occur. Each message says what, where, and what to do."""

from __future__ import annotations


class Or1TrainerError(Exception):
    """Base of the trainer's errors; the command line prints the message and exits with 1."""


class ConfigError(Or1TrainerError):
    """An invalid recipe, setting or combination of settings; the command line exits with 2."""


class RunFolderError(Or1TrainerError):
    """The run folder cannot be read or written."""


class WorkerError(Or1TrainerError):
    """A worker process failed; the message is the error of that worker."""


class TrainingError(Or1TrainerError):
    """A step cannot be computed from the output of the rollout engine."""
