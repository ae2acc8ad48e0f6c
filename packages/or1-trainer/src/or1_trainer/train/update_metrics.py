"""Token sums of one rollout batch, over its optimiser steps; reduced over ranks once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from or1_trainer.algorithm.mismatch import mismatch_metrics
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.reduce import max_over_data, sum_over_data

_LOSS = ("policy", "entropy", "clipped_low", "clipped_high", "ratio", "kl")
_MISMATCH = ("abs", "k3", "weight", "weight_squared", "masked", "count")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """What one micro-batch adds: shares of the loss, and distances from the engine where its log-probs are known."""

    sums: dict[str, Tensor]
    mismatch: dict[str, float] | None


class Sums:
    """Adds up what the losses report; ranks without tokens take part with zeros."""

    def __init__(self) -> None:
        self._loss: dict[str, float] = {}
        self._mismatch: dict[str, float] = {}
        self._grad_norms: list[float] = []

    def add_all(self, reports: Sequence[Report]) -> None:
        """Of several micro-batches, in order."""
        for report in reports:
            self.add(report.sums)
            if report.mismatch is not None:
                self.add_mismatch(report.mismatch)

    def add(self, sums: dict[str, Tensor]) -> None:
        """One micro-batch's shares."""
        for name, value in sums.items():
            self._loss[name] = self._loss.get(name, 0.0) + float(value)

    def add_mismatch(self, sums: dict[str, float]) -> None:
        """One micro-batch's distances from the engine."""
        largest = max(self._mismatch.get("max_abs", 0.0), sums["max_abs"])
        for name, value in sums.items():
            self._mismatch[name] = self._mismatch.get(name, 0.0) + value
        self._mismatch["max_abs"] = largest

    def close_step(self, grad_norm: float) -> None:
        """An optimiser step is done."""
        self._grad_norms.append(grad_norm)

    def metrics(self, alpha: float, kl_beta: float, runtime: Runtime) -> dict[str, float]:
        """Means over the optimiser steps. Collective."""
        steps = len(self._grad_norms)
        sums = sum_over_data([self._loss.get(name, 0.0) for name in _LOSS], runtime)
        policy, entropy, low, high, ratio, kl = (value / steps for value in sums)
        totals = sum_over_data([self._mismatch.get(name, 0.0) for name in _MISMATCH], runtime)
        largest = max_over_data(self._mismatch.get("max_abs", 0.0), runtime)
        return {
            "loss/total": policy - alpha * entropy + kl_beta * kl,
            "loss/policy": policy,
            "loss/entropy_bonus": alpha * entropy,
            "policy/clip_low_rate": low,
            "policy/clip_high_rate": high,
            "policy/ratio_mean": ratio,
            "optimizer/grad_norm": sum(self._grad_norms) / steps,
            "optimizer/steps": steps,
            **({"kl/k3": kl} if kl_beta else {}),
            **mismatch_metrics({**dict(zip(_MISMATCH, totals, strict=True)), "max_abs": largest}),
        }
