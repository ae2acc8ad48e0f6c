"""Token sums of one rollout batch over its optimizer steps, reduced over the data ranks once."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.mismatch import mismatch_metrics, mismatch_sums
from or1_trainer.train.exchange import max_over_data, sum_over_data
from or1_trainer.train.learner import Learner

_LOSS = ("policy", "entropy", "clipped_low", "clipped_high", "ratio", "kl", "teacher_kl")
_MISMATCH = ("abs", "k3", "weight", "weight_squared", "masked", "count")


class UpdateSums:
    """Adds up what the micro-batches of a rank report; a rank without tokens takes part with zeros."""

    def __init__(self) -> None:
        """Start at zero."""
        self._loss: dict[str, Tensor] = {}
        self._mismatch, self._max_abs = dict.fromkeys(_MISMATCH, 0.0), 0.0
        self._grad_norms: list[float] = []

    def add_inputs(self, inputs: FixedInputs) -> None:
        """Add a micro-batch's distance between trainer and engine, once for all its optimizer steps."""
        if inputs.behavior_M is None:
            return
        sums = mismatch_sums(inputs.trainer_M, inputs.behavior_M, inputs.correction_M)
        self._max_abs = max(self._max_abs, sums["max_abs"])
        self._mismatch = {name: total + sums[name] for name, total in self._mismatch.items()}

    def add_loss(self, sums: Mapping[str, Tensor]) -> None:
        """Add a micro-batch's shares of one optimizer step; they stay on the device until `metrics`."""
        for name, value in sums.items():
            self._loss[name] = self._loss[name] + value.double() if name in self._loss else value.double()

    def close_step(self, grad_norm: float) -> None:
        """Count an optimizer step."""
        self._grad_norms.append(grad_norm)

    def metrics(self, alpha: float, learner: Learner) -> dict[str, float]:
        """Means over the optimizer steps. Collective."""
        steps, runtime = len(self._grad_norms), learner.runtime
        kl_beta, distill_beta = learner.loss.kl_beta, learner.distill_beta
        policy, entropy, low, high, ratio, kl, teacher = (
            value / steps for value in sum_over_data(self._losses(), runtime)
        )
        totals = sum_over_data(list(self._mismatch.values()), runtime)
        largest = max_over_data(self._max_abs, runtime)
        return {
            "loss/total": policy - alpha * entropy + kl_beta * kl + distill_beta * teacher,
            "loss/policy": policy,
            "loss/entropy_bonus": alpha * entropy,
            "policy/clip_low_rate": low,
            "policy/clip_high_rate": high,
            "policy/ratio_mean": ratio,
            "optimizer/grad_norm": sum(self._grad_norms) / steps,
            "optimizer/steps": steps,
            "optimizer/skipped": sum(not math.isfinite(norm) for norm in self._grad_norms),
            **({"kl/k3": kl} if kl_beta else {}),
            **({"kl/teacher": teacher} if distill_beta else {}),
            **mismatch_metrics({**dict(zip(_MISMATCH, totals, strict=True)), "max_abs": largest}),
        }

    def _losses(self) -> list[float]:
        """One transfer from the device for all sums."""
        known = [name for name in _LOSS if name in self._loss]
        values = torch.stack([self._loss[name] for name in known]).tolist() if known else []
        return [dict(zip(known, values, strict=True)).get(name, 0.0) for name in _LOSS]
