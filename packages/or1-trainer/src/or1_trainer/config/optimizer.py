"""Settings of the optimizer."""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import (
    AtLeastOne,
    AtLeastZero,
    Fraction,
    FractionBelowOne,
    NonNegative,
    Positive,
    Settings,
)


class OptimizerSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW. Learning rate of Skywork-OR1 (arXiv 2505.22312); betas, decay and clipping of its released code.

    The learning rate is a function of the number of optimizer steps taken (`algorithm/schedule.py`); with warmup the
    first step has a rate above 0.
    """

    lr: Positive = 1e-6
    """Learning rate."""
    beta1: FractionBelowOne = 0.9
    """Decay of the first moment."""
    beta2: FractionBelowOne = 0.999
    """Decay of the second moment."""
    eps: NonNegative = 1e-8
    """Added to the denominator."""
    weight_decay: NonNegative = 0.01
    """Decoupled weight decay."""
    max_grad_norm: Positive = 1.0
    """A gradient with a larger L2 norm is scaled down to it."""
    max_skipped_steps: AtLeastOne = 5
    """An optimizer step whose gradient is not finite is skipped. So many steps of the run in a row with nothing but
    skipped optimizer steps end the run with an error."""
    offload: bool = False
    """Keep master weights and moments in host memory between optimizer steps (on CUDA): 12 bytes per parameter, over
    tensor and data ranks, are free for the engine and for activations. Costs two copies over the bus per step."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the rate changes after the warmup."""
    warmup_steps: AtLeastZero = 0
    """Optimizer steps until the full rate; with W of them the first has 1/W of it."""
    decay_steps: AtLeastZero = 0
    """Optimizer steps until the decay ends; 0: those of all stages."""
    final_share: Fraction = 0.0
    """Learning rate after a `linear` or `cosine` decay, as a fraction of `lr`."""
