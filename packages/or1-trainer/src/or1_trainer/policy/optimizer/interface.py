"""What the training loop sees of an optimizer."""

from pathlib import Path
from typing import Protocol


class Optimizer(Protocol):
    """AdamW over the policy's weights, with float32 master weights, gradients and moments."""

    steps: int
    """Steps taken."""

    def zero_grad(self) -> None:
        """Forget the gradients of the last step; those of several backward passes add up in float32."""

    def step(self, rate: float) -> float:
        """Sum gradients over data-parallel ranks, clip them, update the weights; a collective.

        Gradients are summed, not averaged: the loss is already divided by the token count of the whole job. `rate` is
        the learning rate of this step. Returns the global gradient norm before clipping; where it is not finite,
        weights, moments and `steps` stay as they were.
        """

    def save(self, folder: Path) -> None:
        """Write master weights, moments and the step count into a folder of its own; a collective."""

    def load(self, folder: Path) -> None:
        """Read what `save` wrote, at any tensor- and data-parallel size; a collective."""
