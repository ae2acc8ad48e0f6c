"""What the update made of single tokens: kept for the few responses that the rollout log has token by token.

Axis: M response tokens of one micro-batch.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from msgspec.structs import replace
from torch import Tensor

from or1_trainer.algorithm.fixed_inputs import FixedInputs
from or1_trainer.algorithm.losses import SURROGATES
from or1_trainer.algorithm.packing import PackedBatch, Sample
from or1_trainer.config.schema import LossSettings
from or1_trainer.metrics.rollout_log import RolloutRecord, TokenValues
from or1_trainer.policy.parallel import Runtime
from or1_trainer.policy.token_stats import TokenStats
from or1_trainer.train.distribute import Minibatch, Place
from or1_trainer.train.exchange import gather_over_data

DIGITS = 4
Column = list[float | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenLog:
    """The tokens of some responses, as the last optimizer step over each saw them."""

    samples: Mapping[Hashable, Sample]
    """The responses by their names: those of them that this rank trains on."""
    loss: LossSettings
    _found: dict[Hashable, TokenValues] = field(default_factory=dict)

    @classmethod
    def of(cls, minibatches: Sequence[Minibatch], problems: Collection[int], loss: LossSettings) -> Self:
        """For the responses to `problems`, given by their numbers in the batch."""
        samples = (sample for minibatch in minibatches for sample in minibatch.samples)
        wanted = (one for one in samples if isinstance(one.name, tuple) and one.name[0] in problems)
        return cls(samples={one.name: one for one in wanted}, loss=loss)

    def add(self, batch: PackedBatch, stats: TokenStats, fixed: FixedInputs) -> None:
        """Keep the tokens of a micro-batch that are wanted; for `update`."""
        if self.samples.keys().isdisjoint(batch.names_B):
            return
        with torch.no_grad():
            surrogate = SURROGATES[self.loss.kind](stats.logprobs_M, fixed, self.loss)
        lengths = batch.lengths_B.tolist()
        columns = [_split(values, lengths) for values in (stats.logprobs_M, stats.entropy_M, surrogate.ratio_M)]
        cut = (surrogate.clipped_low_M | surrogate.clipped_high_M).cpu().split(lengths)
        for index, name in enumerate(batch.names_B):
            if name in self.samples:
                places, length = _places(self.samples[name]), len(self.samples[name].response_ids)
                logprobs, entropies, ratios = (_spread(column[index], places, length) for column in columns)
                clipped = [places[at] for at in cut[index].nonzero().flatten().tolist()]
                self._found[name] = TokenValues(logprobs=logprobs, entropies=entropies, ratios=ratios, clipped=clipped)

    def added_to(self, records: Mapping[Place, RolloutRecord], runtime: Runtime) -> list[RolloutRecord]:
        """The records, with what was kept on any rank; untrained responses stay as they are. Collective."""
        parts = gather_over_data(self._found, runtime)
        found = {name: values for part in parts for name, values in part.items()}
        return [replace(record, policy=found.get(place)) for place, record in records.items()]


def _places(sample: Sample) -> list[int]:
    """Numbers of the tokens that the policy sampled: observations between them are context alone."""
    if sample.is_sampled is None:
        return list(range(len(sample.response_ids)))
    return [int(place) for place in np.flatnonzero(sample.is_sampled)]


def _split(values_M: Tensor, lengths: list[int]) -> list[Column]:
    parts = values_M.detach().cpu().split(lengths)
    return [[round(v, DIGITS) if math.isfinite(v) else None for v in part.tolist()] for part in parts]


def _spread(values: Column, places: Sequence[int], length: int) -> Column:
    """The values at their places in a response of so many tokens, None at the others."""
    known = dict(zip(places, values, strict=True))
    return [known.get(place) for place in range(length)]
