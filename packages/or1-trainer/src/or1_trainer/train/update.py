"""The update: one rollout batch -> optimizer steps on the MAGIC loss, and the entropy that steers its coefficient.

Skywork-OR1, arXiv 2505.22312, eq. 3.1 (loss) and 3.2 (coefficient). Axis: M response tokens of one micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import torch
from torch import Tensor

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses import NEEDS_COVARIANCE
from or1_trainer.algorithm.packing import PackedBatch
from or1_trainer.algorithm.policy_loss import Extent, policy_loss
from or1_trainer.policy.token_stats import TokenStats
from or1_trainer.train.distribute import Minibatch
from or1_trainer.train.exchange import max_over_data, sum_over_data
from or1_trainer.train.learner import Learner
from or1_trainer.train.loss_inputs import fixed_inputs
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
    packed = [learner.packed(minibatch.samples) for minibatch in minibatches]
    extents = [minibatch.extent for minibatch in minibatches]
    run, known_alpha = _Update(learner=learner, on_microbatch=on_microbatch), controller.known_alpha
    is_on_policy = learner.loss.reuse == 1 and len(packed) == 1
    if is_on_policy and known_alpha is not None and learner.loss.kind not in NEEDS_COVARIANCE:
        entropy = run.one_pass(packed[0], extents[0], known_alpha)
    else:
        is_small = is_on_policy and max_over_data(len(packed[0]), learner.runtime) <= 1
        entropy = run.two_passes(packed, extents, controller, keeps_graph=is_small)
    alpha = controller.alpha(entropy)
    advanced = controller.advanced(entropy)
    metrics = {
        **run.sums.metrics(alpha, learner),
        "policy/entropy": entropy,
        "policy/entropy_coef": alpha,
        "policy/entropy_coef_next": advanced.coefficient,
        "optimizer/lr": learner.last_rate(),
        "tokens/trained": sum(extent.num_tokens for extent in extents),
    }
    return advanced, metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class _Update:
    """The update on one rollout batch, in progress; its passes return the entropy."""

    learner: Learner
    on_microbatch: OnMicrobatch
    sums: UpdateSums = field(default_factory=UpdateSums)

    def one_pass(self, batches: Sequence[PackedBatch], extent: Extent, alpha: float) -> float:
        """On-policy and with a coefficient that is known beforehand, each micro-batch is computed once.

        Its own forward pass gives the proximal log-probs: the ratio is exactly 1, and the numbers are those of two
        passes.
        """
        entropies = list[Tensor]()

        def passes() -> Iterator[Microbatch]:
            for batch in batches:
                stats = self.learner.stats(batch)
                (fixed,) = fixed_inputs([batch], [stats.logprobs_M], self.learner)
                entropies.append(_entropy_sum(stats))
                yield batch, stats, fixed
                self.sums.add_inputs(fixed)

        self._optimizer_step(passes(), alpha, extent)
        return _mean_entropy(entropies, [extent], self.learner)

    def two_passes(
        self,
        packed: Sequence[Sequence[PackedBatch]],
        extents: Sequence[Extent],
        controller: EntropyController,
        *,
        keeps_graph: bool,
    ) -> float:
        """First the fixed inputs and the entropy of the whole batch, without gradient; then the optimizer steps.

        N_SGD = mini-batches x reuse steps (eq. 4.1), all against the same proximal policy. On-policy and with at most
        one micro-batch per rank, `keeps_graph` has the one step use the first forward pass again.
        """
        inputs, entropies = list[list[FixedInputs]](), list[Tensor]()
        with torch.set_grad_enabled(keeps_graph):
            for batches in packed:
                stats = [self.learner.stats(batch) for batch in batches]
                inputs.append(fixed_inputs(batches, [stat.logprobs_M for stat in stats], self.learner))
                entropies += [_entropy_sum(stat) for stat in stats]
        entropy = _mean_entropy(entropies, extents, self.learner)
        alpha = controller.alpha(entropy)
        for _ in range(self.learner.loss.reuse):
            for batches, fixed, extent in zip(packed, inputs, extents, strict=True):
                # one micro-batch's activations at a time
                fresh = stats if keeps_graph else (self.learner.stats(batch) for batch in batches)
                self._optimizer_step(zip(batches, fresh, fixed, strict=True), alpha, extent)
        for one in chain.from_iterable(inputs):
            self.sums.add_inputs(one)
        return entropy

    def _optimizer_step(self, microbatches: Iterable[Microbatch], alpha: float, extent: Extent) -> None:
        """Accumulate the gradient over micro-batches, and step."""
        learner = self.learner
        learner.optimizer.zero_grad()
        for batch, stats, fixed in microbatches:
            self.on_microbatch(batch, stats, fixed)
            logprobs_M, entropy_M, beta = stats.logprobs_M, stats.entropy_M, learner.distill_beta
            loss, shares = policy_loss(
                logprobs_M, entropy_M, fixed, learner.loss, extent, alpha=alpha, distill_beta=beta
            )
            loss.backward()
            self.sums.add_loss(shares)
        self.sums.close_step(learner.step())


def _entropy_sum(stats: TokenStats) -> Tensor:
    return stats.entropy_M.detach().sum(dtype=torch.float64)


def _mean_entropy(sums: Sequence[Tensor], extents: Sequence[Extent], learner: Learner) -> float:
    """Token mean over the whole batch and all data ranks, in nats."""
    return sum_over_data([float(sum(sums))], learner.runtime)[0] / sum(extent.num_tokens for extent in extents)
