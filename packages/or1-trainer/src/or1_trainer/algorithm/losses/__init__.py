"""Policy-gradient objectives, one file each with its equation; `SURROGATES` maps `loss.kind` to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses.cispo import cispo
from or1_trainer.algorithm.losses.clip_cov import clip_cov
from or1_trainer.algorithm.losses.clipped import clipped
from or1_trainer.algorithm.losses.gspo import gspo
from or1_trainer.algorithm.losses.kl_cov import kl_cov
from or1_trainer.algorithm.losses.terms import Surrogate
from or1_trainer.config.schema import LossSettings

SURROGATES: Final[dict[str, Callable[[Tensor, FixedInputs, LossSettings], Surrogate]]] = {
    "clipped": clipped,
    "gspo": gspo,
    "cispo": cispo,
    "clip_cov": clip_cov,
    "kl_cov": kl_cov,
}
"""`loss.kind` -> objective, a function of the policy's log-probs [M], the fixed inputs and the settings."""

NEEDS_COVARIANCE: Final = frozenset({"clip_cov", "kl_cov"})
"""Kinds that need `FixedInputs.selected_M`."""
