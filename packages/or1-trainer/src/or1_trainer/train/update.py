"""The update: one rollout batch -> optimizer steps on the MAGIC loss, and the entropy that steers its coefficient.

Skywork-OR1, arXiv 2505.22312, eq. 3.1 (loss) and 3.2 (coefficient). Axis: M response tokens of one micro-batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.packing import PackedBatch, microbatches, pack
from or1_trainer.algorithm.policy_loss import Extent, policy_loss
from or1_trainer.policy.token_stats import TokenStats
from or1_trainer.train.distribute import Minibatch
from or1_trainer.train.learner import Learner
from or1_trainer.train.loss_inputs import fixed_inputs
from or1_trainer.train.reduce import max_over_data, sum_over_data
from or1_trainer.train.update_metrics import UpdateSums


def update(
    learner: Learner, minibatches: Sequence[Minibatch], controller: EntropyController
) -> tuple[EntropyController, dict[str, float]]:
    """Train on one rollout batch with alpha_k, and return the controller with c_{k+1}. Collective over all ranks.

    Without mini-batches (every group was rejected) nothing is learned, and the controller stays: no token's entropy
    was seen.
    """
    if not minibatches:
        return controller, {"policy/entropy_coef_next": controller.coefficient, "tokens/trained": 0}
    packed = [pack_minibatch(minibatch, learner) for minibatch in minibatches]
    if learner.loss.reuse == 1 and len(packed) == 1 and max_over_data(len(packed[0]), learner.runtime) <= 1:
        metrics, entropy = _single_pass(learner, packed[0], minibatches[0].extent, controller)
    else:
        metrics, entropy = _two_passes(learner, packed, [minibatch.extent for minibatch in minibatches], controller)
    advanced = controller.advanced(entropy)
    metrics |= {
        "policy/entropy": entropy,
        "policy/entropy_coef": controller.alpha(entropy),
        "policy/entropy_coef_next": advanced.coefficient,
        "optimizer/lr": learner.optimizer.rate,
        "tokens/trained": sum(minibatch.extent.num_tokens for minibatch in minibatches),
    }
    return advanced, metrics


def pack_minibatch(minibatch: Minibatch, learner: Learner) -> list[PackedBatch]:
    """This rank's samples in micro-batches under the token budget."""
    samples = minibatch.samples
    bins = microbatches([sample.num_tokens for sample in samples], learner.batch.microbatch_tokens)
    device, dtype = learner.runtime.device, learner.wide_dtype
    return [pack([samples[index] for index in sorted(bin_)], device=device, dtype=dtype) for bin_ in bins]


def _two_passes(
    learner: Learner, packed: Sequence[Sequence[PackedBatch]], extents: Sequence[Extent], controller: EntropyController
) -> tuple[dict[str, float], float]:
    """First the fixed inputs and the entropy of the whole batch, without gradient; then the optimizer steps.

    N_SGD = mini-batches x reuse steps (eq. 4.1), all against the same proximal policy.
    """
    sums, inputs, seen = UpdateSums(), list[list[FixedInputs]](), list[TokenStats]()
    with torch.no_grad():
        for batches in packed:
            stats = [learner.stats(batch) for batch in batches]
            inputs.append(fixed_inputs(batches, [stat.logprobs_M for stat in stats], learner))
            seen += stats
    entropy = _mean_entropy(seen, sum(extent.num_tokens for extent in extents), learner)
    alpha = controller.alpha(entropy)
    for _ in range(learner.loss.reuse):
        for batches, fixed, extent in zip(packed, inputs, extents, strict=True):
            fresh = (learner.stats(batch) for batch in batches)  # one micro-batch's activations at a time
            _optimizer_step(learner, zip(fresh, fixed, strict=True), alpha, extent, sums)
    for fixed in inputs:
        for one in fixed:
            sums.add_inputs(one)
    return sums.metrics(alpha, learner.loss.kl_beta, learner.runtime), entropy


def _single_pass(
    learner: Learner, batches: Sequence[PackedBatch], extent: Extent, controller: EntropyController
) -> tuple[dict[str, float], float]:
    """On-policy and in one micro-batch per rank, the forward pass of the step itself gives the fixed inputs.

    The ratio is then exactly 1 and the numbers are those of two passes; a third of the work is saved.
    """
    sums, stats = UpdateSums(), [learner.stats(batch) for batch in batches]
    entropy = _mean_entropy(stats, extent.num_tokens, learner)
    fixed = fixed_inputs(batches, [stat.logprobs_M for stat in stats], learner)
    alpha = controller.alpha(entropy)
    _optimizer_step(learner, zip(stats, fixed, strict=True), alpha, extent, sums)
    for one in fixed:
        sums.add_inputs(one)
    return sums.metrics(alpha, learner.loss.kl_beta, learner.runtime), entropy


def _optimizer_step(
    learner: Learner,
    microbatches: Iterable[tuple[TokenStats, FixedInputs]],
    alpha: float,
    extent: Extent,
    sums: UpdateSums,
) -> None:
    """Accumulate the gradient over micro-batches, and step."""
    learner.optimizer.zero_grad()
    for stats, fixed in microbatches:
        loss, shares = policy_loss(stats.logprobs_M, stats.entropy_M, fixed, learner.loss, extent, alpha=alpha)
        loss.backward()
        sums.add_loss(shares)
    sums.close_step(learner.optimizer.step())


def _mean_entropy(stats: Sequence[TokenStats], num_tokens: int, learner: Learner) -> float:
    """Token mean over the whole batch and all data ranks, in nats."""
    own = sum(float(stat.entropy_M.detach().sum(dtype=torch.float64)) for stat in stats)
    return sum_over_data([own], learner.runtime)[0] / num_tokens
