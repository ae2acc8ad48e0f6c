"""One rollout batch -> optimiser steps on the MAGIC loss, and the entropy that steers its coefficient.

Axis: M response tokens of one micro-batch. Sums travel as float64 over the data-parallel ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from or1_trainer.config.schema import BatchSettings, LossSettings
from or1_trainer.learn.reduce import max_over_data, sum_over_data
from or1_trainer.megatron.model import Policy
from or1_trainer.megatron.optimizer import Optimizer
from or1_trainer.megatron.runtime import Runtime
from or1_trainer.megatron.token_stats import TokenStats, token_stats
from or1_trainer.method.entropy import EntropyController
from or1_trainer.method.loss import magic_loss
from or1_trainer.method.mismatch import mismatch_metrics, mismatch_sums
from or1_trainer.method.packing import PackedBatch, Sample, balance, microbatches, pack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learner:
    """The policy with everything that changes it."""

    policy: Policy
    optimizer: Optimizer
    runtime: Runtime
    loss: LossSettings
    batch: BatchSettings
    temperature: float

    def stats(self, batch: PackedBatch, *, temperature: float | None = None) -> TokenStats:
        """Log-probs and exact entropy of the response tokens, at the rollout temperature if none is given."""
        return token_stats(
            self.policy,
            batch,
            temperature=self.temperature if temperature is None else temperature,
            chunk_tokens=self.batch.chunk_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minibatch:
    """One optimiser step's data as this rank sees it; `num_tokens` counts all ranks' response tokens."""

    batches: list[PackedBatch]
    num_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Behaviour:
    """Log-probs of the behaviour policy per mini-batch and micro-batch, and its token-mean entropy in nats."""

    logprobs: list[list[Tensor]]
    entropy: float


def plan_minibatch(samples: Sequence[Sample], learner: Learner) -> Minibatch:
    """This data rank's share, balanced by tokens, in packs under the token budget."""
    runtime = learner.runtime
    share = balance([sample.num_tokens for sample in samples], runtime.data_size)[runtime.data_rank]
    mine = [samples[index] for index in share]
    bins = microbatches([sample.num_tokens for sample in mine], learner.batch.microbatch_tokens)
    return Minibatch(
        batches=[pack([mine[i] for i in bin_], device=runtime.device, dtype=_wide(learner)) for bin_ in bins],
        num_tokens=sum(len(sample.response_ids) for sample in samples),
    )


def _wide(learner: Learner) -> torch.dtype:
    """Advantages are at least float32, whatever the weights are."""
    return torch.float64 if learner.policy.dtype == torch.float64 else torch.float32


def update(
    learner: Learner, samples_by_step: Sequence[Sequence[Sample]], controller: EntropyController
) -> tuple[EntropyController, dict[str, float]]:
    """Train on one rollout batch: eq. 3.1 with alpha_k of eq. 3.2, then c_{k+1}. Collective over all ranks.

    `samples_by_step` holds one list per mini-batch (`split_minibatches`); empty when every group was rejected: then
    nothing is learnt, and the controller stays, since no token's entropy was seen.
    """
    if not samples_by_step:
        return controller, {"policy/entropy_coef_next": controller.coefficient, "tokens/trained": 0}
    minibatches = [plan_minibatch(samples, learner) for samples in samples_by_step]
    if learner.loss.reuse == 1 and len(minibatches) == 1 and _one_pack_everywhere(minibatches[0], learner):
        metrics, entropy = _fused_step(learner, minibatches[0], controller)
    else:
        behaviour = behaviour_pass(learner, minibatches)
        entropy = behaviour.entropy
        metrics = _steps(learner, minibatches, behaviour, controller.alpha(entropy))
    advanced = controller.advanced(entropy)
    metrics |= {
        "policy/entropy": entropy,
        "policy/entropy_coef": controller.alpha(entropy),
        "policy/entropy_coef_next": advanced.coefficient,
        "tokens/trained": sum(minibatch.num_tokens for minibatch in minibatches),
    }
    return advanced, metrics


def behaviour_pass(learner: Learner, minibatches: Sequence[Minibatch]) -> Behaviour:
    """Forward without gradient over the whole batch before anything changes."""
    logprobs: list[list[Tensor]] = []
    total = torch.zeros((), dtype=torch.float64)
    with torch.no_grad():
        for minibatch in minibatches:
            stats = [learner.stats(batch) for batch in minibatch.batches]
            logprobs.append([s.logprobs_M for s in stats])
            total = total + sum(s.entropy_M.sum(dtype=torch.float64).cpu() for s in stats)
    (entropy_sum,) = sum_over_data([float(total)], learner.runtime)
    return Behaviour(logprobs=logprobs, entropy=entropy_sum / sum(m.num_tokens for m in minibatches))


def _one_pack_everywhere(minibatch: Minibatch, learner: Learner) -> bool:
    return max_over_data(len(minibatch.batches), learner.runtime) <= 1


def _fused_step(
    learner: Learner, minibatch: Minibatch, controller: EntropyController
) -> tuple[dict[str, float], float]:
    """On-policy and in one pack per rank: the behaviour pass is the forward pass of the step itself.

    The ratio is then exactly 1 and the numbers are those of the two-pass form; a third of the work is saved.
    """
    stats = [learner.stats(batch) for batch in minibatch.batches]
    local = sum(float(s.entropy_M.detach().sum(dtype=torch.float64)) for s in stats)
    (entropy_sum,) = sum_over_data([local], learner.runtime)
    entropy = entropy_sum / minibatch.num_tokens
    behaviour = [s.logprobs_M.detach() for s in stats]
    sums = _Sums()
    learner.optimizer.zero_grad()
    for batch, stat, behaviour_M in zip(minibatch.batches, stats, behaviour, strict=True):
        _backward(learner, batch, stat, behaviour_M, controller.alpha(entropy), minibatch.num_tokens, sums)
    sums.close_step(learner.optimizer.step())
    return sums.metrics(controller.alpha(entropy), learner.runtime), entropy


def _steps(learner: Learner, minibatches: Sequence[Minibatch], behaviour: Behaviour, alpha: float) -> dict[str, float]:
    """N_SGD = mini-batches x reuse optimiser steps (eq. 4.1), all against the same behaviour log-probs."""
    sums = _Sums()
    for _ in range(learner.loss.reuse):
        for minibatch, behaviour_logprobs in zip(minibatches, behaviour.logprobs, strict=True):
            learner.optimizer.zero_grad()
            for batch, behaviour_M in zip(minibatch.batches, behaviour_logprobs, strict=True):
                _backward(learner, batch, learner.stats(batch), behaviour_M, alpha, minibatch.num_tokens, sums)
            sums.close_step(learner.optimizer.step())
    return sums.metrics(alpha, learner.runtime)


def _backward(
    learner: Learner,
    batch: PackedBatch,
    stats: TokenStats,
    behaviour_M: Tensor,
    alpha: float,
    num_tokens: int,
    sums: _Sums,
) -> None:
    terms = magic_loss(
        stats.logprobs_M,
        behaviour_M,
        batch.advantages_M,
        stats.entropy_M,
        alpha=alpha,
        clip_low=learner.loss.clip_low,
        clip_high=learner.loss.clip_high,
        num_tokens=num_tokens,
    )
    terms.loss.backward()
    sums.add(terms.sums, num_tokens)
    if batch.engine_logprobs_M is not None:
        sums.add_mismatch(mismatch_sums(behaviour_M, batch.engine_logprobs_M))


class _Sums:
    """Token sums of one rollout batch, over its optimiser steps; reduced over ranks once."""

    def __init__(self) -> None:
        self._means: dict[str, float] = {}
        self._mismatch: dict[str, float] = {}
        self._grad_norms: list[float] = []

    def add(self, sums: dict[str, Tensor], num_tokens: int) -> None:
        for name, value in sums.items():
            self._means[name] = self._means.get(name, 0.0) + float(value) / num_tokens

    def add_mismatch(self, sums: dict[str, float]) -> None:
        largest = max(self._mismatch.get("max_abs", 0.0), sums["max_abs"])
        for name, value in sums.items():
            self._mismatch[name] = self._mismatch.get(name, 0.0) + value
        self._mismatch["max_abs"] = largest

    def close_step(self, grad_norm: float) -> None:
        self._grad_norms.append(grad_norm)

    def metrics(self, alpha: float, runtime: Runtime) -> dict[str, float]:
        """Means over the optimiser steps; ranks without tokens take part with zeros."""
        steps = len(self._grad_norms)
        names = ("policy", "entropy", "clipped_low", "clipped_high", "ratio")
        policy, entropy, low, high, ratio = (
            value / steps for value in sum_over_data([self._means.get(n, 0.0) for n in names], runtime)
        )
        return {
            "loss/total": policy - alpha * entropy,
            "loss/policy": policy,
            "loss/entropy_bonus": alpha * entropy,
            "policy/clip_low_rate": low,
            "policy/clip_high_rate": high,
            "policy/ratio_mean": ratio,
            "optimizer/grad_norm": sum(self._grad_norms) / steps,
            "optimizer/steps": steps,
            **mismatch_metrics(self._reduced_mismatch(runtime)),
        }

    def _reduced_mismatch(self, runtime: Runtime) -> dict[str, float]:
        names = ("abs", "k3", "weight", "weight_squared", "count")
        totals = sum_over_data([self._mismatch.get(name, 0.0) for name in names], runtime)
        largest = max_over_data(self._mismatch.get("max_abs", 0.0), runtime)
        return {**dict(zip(names, totals, strict=True)), "max_abs": largest}
