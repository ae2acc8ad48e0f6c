"""Adaptive entropy control: one coefficient for the job (Skywork-OR1, arXiv 2505.22312, eq. 3.2)."""

import math
from dataclasses import dataclass, replace
from typing import Self

from or1_trainer.config.schema import EntropySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyController:
    """The coefficient c_k and its rule; immutable, `advanced` returns the next one.

    Report and released code differ in two points, and the report wins: the gate uses the entropy of the same step with
    `<=` (the code: the previous step's, with `<`), and at equality c stays (the code lowers it).
    `settings.gate = "previous_step"` takes the code's side in both.
    c is kept in [0, maximum]: the report states alpha_k >= 0 and no upper bound, the released code clips to 0.005.
    """

    settings: EntropySettings
    coefficient: float
    previous: float | None = None
    """Entropy of the batch before, in nats; None before the first."""

    def alpha(self, entropy: float) -> float:
        """alpha_k = c_k if e_k <= target else 0; constant and off modes ignore the entropy. `entropy` in nats."""
        if self.settings.mode != "adaptive":
            return self.coefficient if self.settings.mode == "constant" else 0.0
        if self.settings.gate == "previous_step":
            is_open = self.previous is None or self.previous < self.settings.target
        else:
            is_open = entropy <= self.settings.target
        return self.coefficient if is_open else 0.0

    @property
    def known_alpha(self) -> float | None:
        """alpha_k where it does not depend on this step's entropy; None where it does."""
        if self.settings.mode != "adaptive" or self.settings.gate == "previous_step":
            return self.alpha(math.nan)
        return None if self.coefficient else 0.0

    def advanced(self, entropy: float) -> Self:
        """c_{k+1}: up by delta below the target, down above it, unchanged at equality."""
        if self.settings.mode != "adaptive":
            return self
        if entropy == self.settings.target and self.settings.gate == "same_step":
            return replace(self, previous=entropy)
        change = self.settings.delta if entropy < self.settings.target else -self.settings.delta
        coefficient = min(max(self.coefficient + change, 0.0), self.settings.maximum)
        return replace(self, coefficient=coefficient, previous=entropy)
