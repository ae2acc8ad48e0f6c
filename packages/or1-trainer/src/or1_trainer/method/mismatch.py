"""How far the engine's log-probs are from the trainer's, for the same tokens (DESIGN §5).

Axis: M response tokens. d = behaviour (trainer) - engine.
"""

from __future__ import annotations

from torch import Tensor


def mismatch_sums(behaviour_M: Tensor, engine_M: Tensor) -> dict[str, float]:
    """Sums over tokens: |d|, k3 = e^d - 1 - d, the weights w = e^d and w^2, the count; and the largest |d|."""
    difference = (behaviour_M - engine_M).double()
    weight = difference.exp()
    return {
        "abs": float(difference.abs().sum()),
        "k3": float((weight - 1.0 - difference).sum()),
        "weight": float(weight.sum()),
        "weight_squared": float(weight.square().sum()),
        "count": float(difference.numel()),
        "max_abs": float(difference.abs().max()) if difference.numel() else 0.0,
    }


def mismatch_metrics(totals: dict[str, float]) -> dict[str, float]:
    """Token means, the largest difference, and the effective sample size as a share: (sum w)^2 / (n sum w^2)."""
    count = totals.get("count", 0.0)
    if not count:
        return {}
    return {
        "mismatch/mean_abs": totals["abs"] / count,
        "mismatch/max_abs": totals["max_abs"],
        "mismatch/k3": totals["k3"] / count,
        "mismatch/ess": totals["weight"] ** 2 / (count * totals["weight_squared"]),
    }
