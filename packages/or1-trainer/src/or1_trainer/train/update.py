"""The update: one rollout batch -> optimizer steps on the MAGIC loss, and the entropy that steers its coefficient.

Skywork-OR1, arXiv 2505.22312, eq. 3.1 (loss) and 3.2 (coefficient). Axis: M response tokens of one micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import torch
from torch import Tensor

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses import NEEDS_COVARIANCE
from or1_trainer.algorithm.packing import PackedBatch, microbatches, pack
from or1_trainer.algorithm.policy_loss import Extent, policy_loss
from or1_trainer.policy.token_stats import TokenStats
from or1_trainer.train.distribute import Minibatch
from or1_trainer.train.learner import Learner
from or1_trainer.train.loss_inputs import fixed_inputs
from or1_trainer.train.reduce import max_over_data, sum_over_data
from or1_trainer.train.update_metrics import UpdateSums

Microbatch = tuple[PackedBatch, TokenStats, FixedInputs]
OnMicrobatch = Callable[[PackedBatch, TokenStats, FixedInputs], None]
"""Told of each micro-batch of each optimizer step: the policy's numbers, and what they are compared with."""


def update(
    learner: Learner,
    minibatches: Sequence[Minibatch],
    controller: EntropyController,
    on_microbatch: OnMicrobatch = lambda batch, stats, fixed: None,
) -> tuple[EntropyController, dict[str, float]]:
    """Train on one rollout batch with alpha_k, and return the controller with c_{k+1}. Collective over all ranks.

    Without mini-batches (every group was rejected) nothing is learned, and the controller stays: no token's entropy
    was seen.
    """
    if not minibatches:
        return controller, {"policy/entropy_coef_next": controller.coefficient, "tokens/trained": 0}
    packed = [pack_minibatch(minibatch, learner) for minibatch in minibatches]
    extents = [minibatch.extent for minibatch in minibatches]
    sums, known_alpha = UpdateSums(), controller.known_alpha
    is_on_policy = learner.loss.reuse == 1 and len(packed) == 1
    if is_on_policy and known_alpha is not None and learner.loss.kind not in NEEDS_COVARIANCE:
        entropy = _one_pass(learner, packed[0], extents[0], known_alpha, sums, on_microbatch)
    else:
        is_small = is_on_policy and max_over_data(len(packed[0]), learner.runtime) <= 1
        entropy = _two_passes(learner, packed, extents, controller, sums, on_microbatch, keeps_graph=is_small)
    alpha = controller.alpha(entropy)
    advanced = controller.advanced(entropy)
    metrics = {
        **sums.metrics(alpha, learner),
        "policy/entropy": entropy,
        "policy/entropy_coef": alpha,
        "policy/entropy_coef_next": advanced.coefficient,
        "optimizer/lr": learner.last_rate,
        "tokens/trained": sum(extent.num_tokens for extent in extents),
    }
    return advanced, metrics


def pack_minibatch(minibatch: Minibatch, learner: Learner) -> list[PackedBatch]:
    """This rank's samples in micro-batches under the token budget."""
    samples = minibatch.samples
    bins = microbatches(samples, learner.batch.microbatch_tokens)
    device, dtype = learner.runtime.device, learner.wide_dtype
    return [pack([samples[index] for index in bin_], device=device, dtype=dtype) for bin_ in bins]


def _one_pass(
    learner: Learner,
    batches: Sequence[PackedBatch],
    extent: Extent,
    alpha: float,
    sums: UpdateSums,
    on_microbatch: OnMicrobatch,
) -> float:
    """On-policy and with a coefficient that is known beforehand, each micro-batch is computed once.

    Its own forward pass gives the proximal log-probs: the ratio is exactly 1, and the numbers are those of two passes.
    Returns the entropy.
    """
    entropies = list[Tensor]()

    def passes() -> Iterator[Microbatch]:
        for batch in batches:
            stats = learner.stats(batch)
            (fixed,) = fixed_inputs([batch], [stats.logprobs_M], learner)
            entropies.append(_entropy_sum(stats))
            yield batch, stats, fixed
            sums.add_inputs(fixed)

    _optimizer_step(learner, passes(), alpha, extent, sums, on_microbatch)
    return _mean_entropy(entropies, [extent], learner)


def _two_passes(
    learner: Learner,
    packed: Sequence[Sequence[PackedBatch]],
    extents: Sequence[Extent],
    controller: EntropyController,
    sums: UpdateSums,
    on_microbatch: OnMicrobatch,
    *,
    keeps_graph: bool,
) -> float:
    """First the fixed inputs and the entropy of the whole batch, without gradient; then the optimizer steps.

    N_SGD = mini-batches x reuse steps (eq. 4.1), all against the same proximal policy. On-policy and with at most one
    micro-batch per rank, `keeps_graph` has the one step use the first forward pass again. Returns the entropy.
    """
    inputs, entropies = list[list[FixedInputs]](), list[Tensor]()
    with torch.set_grad_enabled(keeps_graph):
        for batches in packed:
            stats = [learner.stats(batch) for batch in batches]
            inputs.append(fixed_inputs(batches, [stat.logprobs_M for stat in stats], learner))
            entropies += [_entropy_sum(stat) for stat in stats]
    entropy = _mean_entropy(entropies, extents, learner)
    alpha = controller.alpha(entropy)
    for _ in range(learner.loss.reuse):
        for batches, fixed, extent in zip(packed, inputs, extents, strict=True):
            # one micro-batch's activations at a time
            fresh = stats if keeps_graph else (learner.stats(batch) for batch in batches)
            _optimizer_step(learner, zip(batches, fresh, fixed, strict=True), alpha, extent, sums, on_microbatch)
    for one in chain.from_iterable(inputs):
        sums.add_inputs(one)
    return entropy


def _optimizer_step(
    learner: Learner,
    microbatches: Iterable[Microbatch],
    alpha: float,
    extent: Extent,
    sums: UpdateSums,
    on_microbatch: OnMicrobatch,
) -> None:
    """Accumulate the gradient over micro-batches, and step."""
    learner.optimizer.zero_grad()
    for batch, stats, fixed in microbatches:
        on_microbatch(batch, stats, fixed)
        loss, shares = policy_loss(
            stats.logprobs_M,
            stats.entropy_M,
            fixed,
            learner.loss,
            extent,
            alpha=alpha,
            distill_beta=learner.distill_beta,
        )
        loss.backward()
        sums.add_loss(shares)
    sums.close_step(learner.step())


def _entropy_sum(stats: TokenStats) -> Tensor:
    return stats.entropy_M.detach().sum(dtype=torch.float64)


def _mean_entropy(sums: Sequence[Tensor], extents: Sequence[Extent], learner: Learner) -> float:
    """Token mean over the whole batch and all data ranks, in nats."""
    return sum_over_data([float(sum(sums))], learner.runtime)[0] / sum(extent.num_tokens for extent in extents)
