"""Errors of the policy: its parallel layout, its process group, its weights and its checkpoints."""

from or1_trainer.errors import ConfigError, Or1TrainerError


class LayoutError(ConfigError, ValueError):
    """The model and the parallel layout do not fit each other, or this code does not know the architecture."""


class RuntimeStartError(Or1TrainerError, RuntimeError):
    """The process group could not be formed (bad environment, missing device, a peer that never came)."""


class WeightError(Or1TrainerError, ValueError):
    """Weights on disk do not match the model: a tensor is missing, unknown or of another shape."""


class CheckpointError(Or1TrainerError, RuntimeError):
    """A checkpoint could not be written, is incomplete or damaged, or belongs to another model."""
