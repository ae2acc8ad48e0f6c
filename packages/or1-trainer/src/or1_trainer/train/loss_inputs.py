"""The fixed inputs of a micro-batch's loss, computed before the update changes the policy.

Axis: M response tokens of one micro-batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from or1_trainer.algorithm.covariance import CovarianceCut, covariance_cut
from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses import NEEDS_COVARIANCE
from or1_trainer.algorithm.mismatch import correction_weights
from or1_trainer.algorithm.packing import PackedBatch
from or1_trainer.errors import TrainingError
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.exchange import gather_over_data
from or1_trainer.train.learner import Learner


def fixed_inputs(
    batches: Sequence[PackedBatch], trainer_logprobs: Sequence[Tensor], learner: Learner
) -> list[FixedInputs]:
    """Reference and behavior log-probs, corrections and masks of one mini-batch's micro-batches.

    `trainer_logprobs` are the trainer's own, before the update. Collective where the loss selects by covariance.
    """
    logprobs = [logprobs_M.detach() for logprobs_M in trainer_logprobs]
    cut = _covariance_cut(batches, logprobs, learner) if learner.loss.kind in NEEDS_COVARIANCE else None
    return [_fixed(batch, logprobs_M, cut, learner) for batch, logprobs_M in zip(batches, logprobs, strict=True)]


def _fixed(batch: PackedBatch, trainer_M: Tensor, cut: CovarianceCut | None, learner: Learner) -> FixedInputs:
    is_decoupled = learner.mismatch.proximal == "trainer"
    return FixedInputs(
        trainer_M=trainer_M,
        proximal_M=trainer_M if is_decoupled else _behavior_logprobs(batch),
        advantages_M=batch.advantages_M,
        sequence_M=batch.sequence_M,
        lengths_B=batch.lengths_B,
        behavior_M=batch.engine_logprobs_M,
        correction_M=_correction(batch, trainer_M, learner) if is_decoupled else None,
        reference_M=_reference(batch, learner),
        teacher_M=batch.teacher_logprobs_M,
        selected_M=None if cut is None else cut.selected(trainer_M, batch.advantages_M),
    )


def _reference(batch: PackedBatch, learner: Learner) -> Tensor | None:
    if learner.reference is None:
        return None
    with torch.no_grad():
        return learner.stats(batch, policy=learner.reference, with_entropy=False).logprobs_M


def _correction(batch: PackedBatch, trainer_M: Tensor, learner: Learner) -> Tensor | None:
    if learner.mismatch.correction == "none":
        return None
    difference_M = trainer_M - _behavior_logprobs(batch)
    return correction_weights(difference_M, batch.sequence_M, batch.lengths_B, learner.mismatch)


def _covariance_cut(batches: Sequence[PackedBatch], logprobs: Sequence[Tensor], learner: Learner) -> CovarianceCut:
    advantages = [batch.advantages_M for batch in batches]
    return covariance_cut(
        _gathered(logprobs, learner.runtime), _gathered(advantages, learner.runtime), learner.loss.covariance_share
    )


def _gathered(parts: Sequence[Tensor], runtime: Runtime) -> NDArray[np.float64]:
    """The values of all data ranks, each of which may have any number of them."""
    own = np.concatenate([np.zeros(0), *(values.double().cpu().numpy() for values in parts)])
    return np.concatenate(gather_over_data(own, runtime))


def _behavior_logprobs(batch: PackedBatch) -> Tensor:
    if batch.engine_logprobs_M is None:
        raise TrainingError(
            "the engine returned no log-probs, which mismatch.correction and mismatch.proximal = 'engine' need; vLLM "
            "gives none where rollout.top_p cuts the distribution: set rollout.top_p = 1, or "
            "mismatch.correction = 'none'"
        )
    return batch.engine_logprobs_M
