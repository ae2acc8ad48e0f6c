"""What the training loop sees of an optimizer, and its settings.

`flat_adamw` is the CPU's, `cuda_optimizer` drives Megatron's distributed one; `optimizers` builds the one that fits.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor

from or1_trainer.algorithm.schedule import Schedule


@dataclass(frozen=True)
class OptimizerSettings:
    """AdamW as in the report (PAPER section 8: constant rate 1e-6).

    Weight decay spares biases and norms, as Megatron does.
    """

    lr: float = 1e-6
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    eps: float = 1e-8
    max_grad_norm: float = 1.0
    """The global norm gradients are scaled down to; 0 leaves them as they are."""
    schedule: Schedule = field(default_factory=Schedule)
    cpu_offload: bool = False
    """CUDA only: keep master weights and moments in host memory and step there."""


class Optimizer(Protocol):
    """What the training loop sees of either optimizer."""

    rate: float
    """Of the last step; 0 before any."""

    @property
    def state(self) -> dict[str, Tensor]:
        """This rank's exact state by name: `step`, and moments by parameter."""

    def load_step(self, step: int) -> None:
        """Set the number of steps taken; the moments are loaded in place through `state`."""

    def zero_grad(self) -> None:
        """Forget the gradients of the last step."""

    def step(self) -> float:
        """Sum gradients over data-parallel ranks, clip, update; return the gradient norm before clipping."""

    def set_lr(self, lr: float) -> None:
        """Change the base rate from the next step on."""


@runtime_checkable
class SelfSaving(Protocol):
    """An optimizer that writes weights and moments itself, in a format of its own."""

    def save(self, folder: Path) -> None:
        """Write the whole training state into an existing folder; a collective."""

    def load(self, folder: Path) -> None:
        """Read what `save` wrote; a collective."""
