"""Errors of the trainer, named after the boundary they crossed. Each message says what, where, and what to do."""

from __future__ import annotations


class Or1TrainerError(Exception):
    """Root of the trainer's own errors; the command line prints the message and exits 1."""


class ConfigError(Or1TrainerError):
    """A recipe, a key or a combination of settings that cannot be run; the command line exits 2."""


class RunFolderError(Or1TrainerError):
    """The run folder cannot be read or written."""


class WorkerError(Or1TrainerError):
    """A worker process of this launch failed; the message is that worker's own error."""


class TrainingError(Or1TrainerError):
    """A step cannot be computed from what the rollout engine gave."""
