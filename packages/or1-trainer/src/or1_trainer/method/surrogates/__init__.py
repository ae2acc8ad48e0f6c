"""Policy-gradient objectives, one file each with its equation; `SURROGATES` names them for `loss.kind`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from or1_trainer.config.schema import LossSettings
from or1_trainer.method.surrogates.cispo import cispo
from or1_trainer.method.surrogates.clip_cov import clip_cov
from or1_trainer.method.surrogates.clipped import clipped
from or1_trainer.method.surrogates.gspo import gspo
from or1_trainer.method.surrogates.kl_cov import kl_cov
from or1_trainer.method.surrogates.terms import Surrogate
from or1_trainer.method.tokens import Tokens

SURROGATES: Final[dict[str, Callable[[Tokens, LossSettings], Surrogate]]] = {
    "clipped": clipped,
    "gspo": gspo,
    "cispo": cispo,
    "clip_cov": clip_cov,
    "kl_cov": kl_cov,
}
"""What `loss.kind` stands for."""

WANTS_COVARIANCE: Final = frozenset({"clip_cov", "kl_cov"})
"""Kinds that need `Tokens.selected_M`."""
