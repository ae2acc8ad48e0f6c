"""One optimiser step's data as one rank sees it: its share of the samples, packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.algorithm.packing import PackedBatch, Sample, balance, cut, microbatches, pack
from or1_trainer.algorithm.policy_loss import Extent
from or1_trainer.policy.prefix_buckets import SHORT_TOKENS
from or1_trainer.train.learner import Learner


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minibatch:
    """This data rank's micro-batches; `extent` counts all ranks.

    The micro-batches of one pack are in memory at the same time, and together keep to the token budget.
    """

    packs: list[list[PackedBatch]]
    extent: Extent

    @property
    def batches(self) -> list[PackedBatch]:
        """Of all packs, in order."""
        return [batch for parts in self.packs for batch in parts]


def plan_minibatch(samples: Sequence[Sample], learner: Learner, *, context_tokens: int) -> Minibatch:
    """This data rank's share, balanced by tokens, in packs under the token budget."""
    runtime = learner.runtime
    share = balance([sample.num_tokens for sample in samples], runtime.data_size)[runtime.data_rank]
    mine = [samples[index] for index in sorted(share)]
    bins = microbatches([sample.num_tokens for sample in mine], learner.batch.microbatch_tokens)
    return Minibatch(
        packs=[_pack([mine[index] for index in sorted(bin_)], learner) for bin_ in bins],
        extent=Extent(
            num_tokens=sum(len(sample.response_ids) for sample in samples),
            num_sequences=len(samples),
            context_tokens=context_tokens,
        ),
    )


def _pack(samples: Sequence[Sample], learner: Learner) -> list[PackedBatch]:
    """A micro-batch for every lane, prompts shared where the attention can."""
    is_short = max(sample.num_tokens for sample in samples) <= SHORT_TOKENS
    device = learner.runtime.device
    return [
        pack(part, share_prompts=is_short and device.type == "cpu", device=device, dtype=learner.wide_dtype)
        for part in cut(samples, learner.lanes)
    ]
