"""Errors of the Megatron side, named after the boundary that was crossed."""


class LayoutError(ValueError):
    """The model and the parallel layout do not fit each other, or this code does not know the architecture."""


class RuntimeStartError(RuntimeError):
    """The process group could not be formed (bad environment, missing device, a peer that never came)."""


class WeightError(ValueError):
    """Weights on disk do not match the model: a tensor is missing, unknown or of another shape."""


class CheckpointError(RuntimeError):
    """A checkpoint could not be written, is incomplete or damaged, or belongs to another model."""
