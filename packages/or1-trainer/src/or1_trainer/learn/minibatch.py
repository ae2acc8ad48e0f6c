"""One optimiser step's data as one rank sees it: its share of the samples, packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.learn.learner import Learner
from or1_trainer.method.loss import Extent
from or1_trainer.method.packing import PackedBatch, Sample, balance, microbatches, pack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minibatch:
    """This data rank's micro-batches; `extent` counts all ranks."""

    batches: list[PackedBatch]
    extent: Extent


def plan_minibatch(samples: Sequence[Sample], learner: Learner, *, context_tokens: int) -> Minibatch:
    """This data rank's share, balanced by tokens, in packs under the token budget."""
    runtime = learner.runtime
    share = balance([sample.num_tokens for sample in samples], runtime.data_size)[runtime.data_rank]
    mine = [samples[index] for index in share]
    bins = microbatches([sample.num_tokens for sample in mine], learner.batch.microbatch_tokens)
    return Minibatch(
        batches=[pack([mine[i] for i in bin_], device=runtime.device, dtype=learner.wide_dtype) for bin_ in bins],
        extent=Extent(
            num_tokens=sum(len(sample.response_ids) for sample in samples),
            num_sequences=len(samples),
            context_tokens=context_tokens,
        ),
    )
