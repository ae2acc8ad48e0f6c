"""What the loss compares the policy with, per micro-batch: computed before anything changes, then constant.

Axis: M response tokens of one micro-batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from or1_trainer.algorithm.covariance import CovarianceCut, covariance_cut
from or1_trainer.algorithm.losses import WANTS_COVARIANCE
from or1_trainer.algorithm.mismatch import correction_weights
from or1_trainer.algorithm.packing import PackedBatch
from or1_trainer.algorithm.tokens import Tokens
from or1_trainer.errors import TrainingError
from or1_trainer.policy.token_stats import TokenStats
from or1_trainer.train.learner import Learner
from or1_trainer.train.minibatch import Minibatch
from or1_trainer.train.reduce import gather_over_data


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constants:
    """See `method.tokens.Tokens`; `trainer_M` are the trainer's own log-probs before the update."""

    trainer_M: Tensor
    proximal_M: Tensor
    correction_M: Tensor | None
    reference_M: Tensor | None
    selected_M: Tensor | None

    def tokens(self, batch: PackedBatch, stats: TokenStats) -> Tokens:
        """With the policy of now."""
        return Tokens(
            logprobs_M=stats.logprobs_M,
            entropy_M=stats.entropy_M,
            proximal_M=self.proximal_M,
            advantages_M=batch.advantages_M,
            sequence_M=batch.sequence_M,
            lengths_B=batch.lengths_B,
            correction_M=self.correction_M,
            reference_M=self.reference_M,
            selected_M=self.selected_M,
        )


def constants_of(minibatch: Minibatch, logprobs: Sequence[Tensor], learner: Learner) -> list[Constants]:
    """Of every micro-batch, from the trainer's log-probs before the update. Collective where covariances count."""
    cut = _covariance_cut(minibatch, logprobs, learner)
    return [
        _constants(batch, logprobs_M.detach(), cut, learner)
        for batch, logprobs_M in zip(minibatch.batches, logprobs, strict=True)
    ]


def _constants(batch: PackedBatch, trainer_M: Tensor, cut: CovarianceCut | None, learner: Learner) -> Constants:
    is_decoupled = learner.mismatch.proximal == "trainer"
    return Constants(
        trainer_M=trainer_M,
        proximal_M=trainer_M if is_decoupled else _engine_logprobs(batch),
        correction_M=_correction(batch, trainer_M, learner) if is_decoupled else None,
        reference_M=_reference(batch, learner),
        selected_M=None if cut is None else cut.selected(trainer_M, batch.advantages_M),
    )


def _reference(batch: PackedBatch, learner: Learner) -> Tensor | None:
    if learner.reference is None:
        return None
    with torch.no_grad():
        return learner.stats(batch, policy=learner.reference).logprobs_M


def _correction(batch: PackedBatch, trainer_M: Tensor, learner: Learner) -> Tensor | None:
    if learner.mismatch.correction == "none":
        return None
    difference_M = trainer_M - _engine_logprobs(batch)
    return correction_weights(difference_M, batch.sequence_M, batch.lengths_B, learner.mismatch)


def _covariance_cut(minibatch: Minibatch, logprobs: Sequence[Tensor], learner: Learner) -> CovarianceCut | None:
    if learner.loss.kind not in WANTS_COVARIANCE:
        return None
    empty = np.zeros(0)
    own = np.concatenate([empty, *(values.detach().double().cpu().numpy() for values in logprobs)])
    advantages = np.concatenate([empty, *(batch.advantages_M.double().cpu().numpy() for batch in minibatch.batches)])
    runtime = learner.runtime
    return covariance_cut(
        gather_over_data(own, runtime), gather_over_data(advantages, runtime), learner.loss.covariance_share
    )


def _engine_logprobs(batch: PackedBatch) -> Tensor:
    if batch.engine_logprobs_M is None:
        raise TrainingError(
            "the engine gave no log-probs, which mismatch.correction and mismatch.proximal = 'engine' need; vLLM has "
            "none where rollout.top_p cuts the distribution: set rollout.top_p = 1, or mismatch.correction = 'none'"
        )
    return batch.engine_logprobs_M
