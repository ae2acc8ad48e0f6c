"""Settings of the verification of responses."""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import AtLeastZero, Settings


class RewardSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How responses are judged; they are judged while the engine still generates others."""

    workers: AtLeastZero = 0
    """Responses judged at a time, per rank; 0: the machine's cores divided by its ranks, and with `urls` 8 per URL."""
    urls: tuple[str, ...] = ()
    """Machines that run `or1-reward serve`; responses are judged there instead of here."""
    normalization: Literal["sum", "each"] = "sum"
    """With several `[[rewards]]`: advantages of their weighted sum; or the weighted sum of each one's own advantages,
    divided by its deviation over the batch (GDPO, arXiv 2601.05242)."""
