"""Adaptive entropy control: one coefficient for the job (PAPER eq. 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from or1_trainer.config.schema import EntropySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class EntropyController:
    """The coefficient c_k and its rule; immutable, `advanced` returns the next one.

    Two points where paper and released code differ (PAPER §10), and the paper wins: the gate uses the entropy of the
    same step with `<=` (the code: the previous step's, with `<`), and at equality c stays (the code lowers it).
    c is kept in [0, maximum]: the paper states alpha_k >= 0 and no upper bound, the released code clips to 0.005.
    """

    settings: EntropySettings
    coefficient: float

    @classmethod
    def start(cls, settings: EntropySettings) -> EntropyController:
        """c_0."""
        return cls(settings=settings, coefficient=settings.initial)

    def alpha(self, entropy: float) -> float:
        """alpha_k = c_k if e_k <= target else 0; constant and off modes ignore the entropy. `entropy` in nats."""
        if self.settings.mode == "off":
            return 0.0
        if self.settings.mode == "constant":
            return self.coefficient
        return self.coefficient if entropy <= self.settings.target else 0.0

    def advanced(self, entropy: float) -> EntropyController:
        """c_{k+1}: up by delta below the target, down above it, unchanged at equality."""
        if self.settings.mode != "adaptive" or entropy == self.settings.target:
            return self
        change = self.settings.delta if entropy < self.settings.target else -self.settings.delta
        return replace(self, coefficient=min(max(self.coefficient + change, 0.0), self.settings.maximum))
