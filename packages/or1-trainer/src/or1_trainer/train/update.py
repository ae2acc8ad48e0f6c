"""One rollout batch -> optimiser steps on the MAGIC loss, and the entropy that steers its coefficient.

Axis: M response tokens of one micro-batch. Sums travel as float64 over the data-parallel ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.packing import Sample
from or1_trainer.train.backward import Part, differentiate, stats_of
from or1_trainer.train.learner import Learner
from or1_trainer.train.loss_inputs import Constants, constants_of
from or1_trainer.train.minibatch import Minibatch, plan_minibatch
from or1_trainer.train.reduce import max_over_data, sum_over_data
from or1_trainer.train.update_metrics import Sums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Before:
    """What was so before the update, per mini-batch and micro-batch, and the batch's token-mean entropy in nats."""

    constants: list[list[Constants]]
    entropy: float


def update(
    learner: Learner,
    samples_by_step: Sequence[Sequence[Sample]],
    controller: EntropyController,
    *,
    context_tokens: int,
) -> tuple[EntropyController, dict[str, float]]:
    """Train on one rollout batch: eq. 3.1 with alpha_k of eq. 3.2, then c_{k+1}. Collective over all ranks.

    `samples_by_step` holds one list per mini-batch (`split_minibatches`); empty when every group was rejected: then
    nothing is learnt, and the controller stays, since no token's entropy was seen.
    """
    if not samples_by_step:
        return controller, {"policy/entropy_coef_next": controller.coefficient, "tokens/trained": 0}
    minibatches = [plan_minibatch(samples, learner, context_tokens=context_tokens) for samples in samples_by_step]
    if learner.loss.reuse == 1 and len(minibatches) == 1 and _one_pack_everywhere(minibatches[0], learner):
        metrics, entropy = _fused_step(learner, minibatches[0], controller)
    else:
        before = pass_before(learner, minibatches)
        entropy = before.entropy
        metrics = _steps(learner, minibatches, before, controller.alpha(entropy))
    advanced = controller.advanced(entropy)
    metrics |= {
        "policy/entropy": entropy,
        "policy/entropy_coef": controller.alpha(entropy),
        "policy/entropy_coef_next": advanced.coefficient,
        "optimizer/lr": learner.optimizer.rate,
        "tokens/trained": sum(minibatch.extent.num_tokens for minibatch in minibatches),
    }
    return advanced, metrics


def pass_before(learner: Learner, minibatches: Sequence[Minibatch]) -> Before:
    """Forward without gradient over the whole batch before anything changes."""
    constants = []
    total = torch.zeros((), dtype=torch.float64)
    with torch.no_grad():
        for minibatch in minibatches:
            stats = [stat for parts in minibatch.packs for stat in stats_of(learner, parts, keep=False)]
            constants.append(constants_of(minibatch, [s.logprobs_M for s in stats], learner))
            total = total + sum(s.entropy_M.sum(dtype=torch.float64).cpu() for s in stats)
    (entropy_sum,) = sum_over_data([float(total)], learner.runtime)
    return Before(constants=constants, entropy=entropy_sum / sum(m.extent.num_tokens for m in minibatches))


def _one_pack_everywhere(minibatch: Minibatch, learner: Learner) -> bool:
    return max_over_data(len(minibatch.packs), learner.runtime) <= 1


def _fused_step(
    learner: Learner, minibatch: Minibatch, controller: EntropyController
) -> tuple[dict[str, float], float]:
    """On-policy and in one pack per rank: the pass before is the forward pass of the step itself.

    The ratio is then exactly 1 and the numbers are those of the two-pass form; a third of the work is saved.
    """
    stats = stats_of(learner, minibatch.batches, keep=True)
    local = sum(float(s.entropy_M.detach().sum(dtype=torch.float64)) for s in stats)
    (entropy_sum,) = sum_over_data([local], learner.runtime)
    entropy = entropy_sum / minibatch.extent.num_tokens
    constants = constants_of(minibatch, [s.logprobs_M for s in stats], learner)
    alpha, sums = controller.alpha(entropy), Sums()
    learner.optimizer.zero_grad()
    parts = [
        Part(batch=batch, constants=constant, stats=stat)
        for batch, constant, stat in zip(minibatch.batches, constants, stats, strict=True)
    ]
    sums.add_all(differentiate(learner, parts, alpha, minibatch.extent))
    sums.close_step(learner.optimizer.step())
    return sums.metrics(alpha, learner.loss.kl_beta, learner.runtime), entropy


def _steps(learner: Learner, minibatches: Sequence[Minibatch], before: Before, alpha: float) -> dict[str, float]:
    """N_SGD = mini-batches x reuse optimiser steps (eq. 4.1), all against the same policy before."""
    sums = Sums()
    for _ in range(learner.loss.reuse):
        for minibatch, constants in zip(minibatches, before.constants, strict=True):
            learner.optimizer.zero_grad()
            rest = iter(constants)
            for batches in minibatch.packs:
                parts = [Part(batch=batch, constants=next(rest)) for batch in batches]
                sums.add_all(differentiate(learner, parts, alpha, minibatch.extent))
            sums.close_step(learner.optimizer.step())
    return sums.metrics(alpha, learner.loss.kl_beta, learner.runtime)
