"""Responses from the ranks that sampled them to the ranks that train on them.

Every rank knows all lengths and advantages, so every rank computes the same plan; only token ids and log-probs travel,
as arrays, and only to where they are trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from or1_rollout.types import Completion
from or1_trainer.algorithm.packing import Sample, Size, balance
from or1_trainer.algorithm.policy_loss import Extent
from or1_trainer.train.exchange import Exchange, Words
from or1_trainer.train.rollout_batch import RolloutBatch

Place = tuple[int, int]
"""(problem, response) in a rollout batch."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Minibatch:
    """One optimizer step's data as one rank has it."""

    samples: Sequence[Sample]
    """What this data rank trains on."""
    extent: Extent
    """Size over all ranks."""


def distribute(
    batch: RolloutBatch, steps: Sequence[Sequence[Place]], exchange: Exchange, *, context_tokens: int
) -> list[Minibatch]:
    """Give each data rank its share of every optimizer step's samples, balanced by tokens. Collective."""
    runtime = exchange.runtime
    plans = [shares_of(places, batch, runtime.data_size) for places in steps]
    wanted = [[place for plan in plans for place in plan[rank]] for rank in range(runtime.data_size)]
    responses = fetch(batch, wanted, exchange)
    lengths_PG = batch.groups.outcomes.lengths_PG
    return [
        Minibatch(
            samples=[_sample(batch, place, *responses[place]) for place in plan[runtime.data_rank]],
            extent=Extent(
                num_tokens=int(sum(lengths_PG[place] for place in places)),
                num_sequences=len(places),
                context_tokens=context_tokens,
            ),
        )
        for places, plan in zip(steps, plans, strict=True)
    ]


def shares_of(places: Sequence[Place], batch: RolloutBatch, num_shares: int) -> list[list[Place]]:
    """Split samples into shares of about as many tokens, each in the order of drawing."""
    lengths_PG = batch.groups.outcomes.lengths_PG
    sizes = [Size(place[0], len(batch.prompts[place[0]]), int(lengths_PG[place])) for place in places]
    return [[places[index] for index in share] for share in balance(sizes, num_shares)]


Arrays = tuple[NDArray[np.int32], NDArray[np.float32] | None]
"""Token ids and log-probs of one response."""


def fetch(batch: RolloutBatch, wanted: Sequence[Sequence[Place]], exchange: Exchange) -> dict[Place, Arrays]:
    """The responses that this rank's data rank wants: its own, and the others from their owners. Collective.

    `wanted` is by data rank; all tensor ranks of a data rank get the same.
    """
    runtime, has_logprobs_PG = exchange.runtime, batch.groups.outcomes.has_logprobs_PG
    with_logprobs = all(bool(has_logprobs_PG[place]) for places in wanted for place in places)

    def traffic(sender: int, receiver: int) -> list[Place]:
        places = wanted[receiver // runtime.tensor_size] if sender != receiver else []
        return [place for place in places if batch.owners[place[0]] == sender]

    ranks = range(runtime.world_size)
    lengths_PG = batch.groups.outcomes.lengths_PG
    incoming = [traffic(sender, runtime.rank) for sender in ranks]
    words = [int(sum(lengths_PG[place] for place in places)) * (1 + with_logprobs) for places in incoming]
    outgoing = [
        _flat([_completion(batch, place) for place in traffic(runtime.rank, receiver)], with_logprobs=with_logprobs)
        for receiver in ranks
    ]
    found: dict[Place, Arrays] = {}
    for places, flat in zip(incoming, exchange.all_to_all(outgoing, words), strict=True):
        lengths = [int(lengths_PG[place]) for place in places]
        found |= zip(places, _unflat(flat, lengths, with_logprobs=with_logprobs), strict=True)
    for place in wanted[runtime.data_rank]:
        if batch.owners[place[0]] == runtime.rank:
            completion = _completion(batch, place)
            found[place] = completion.token_ids, completion.logprobs if with_logprobs else None
    return found


def _completion(batch: RolloutBatch, place: Place) -> Completion:
    problem, sample = place
    return batch.own[problem][sample].completion


def _flat(completions: Sequence[Completion], *, with_logprobs: bool) -> Words:
    """All token ids behind each other, then all log-probs as the same number of 32-bit words."""
    parts: list[Words] = [completion.token_ids for completion in completions]
    if with_logprobs:
        parts += [c.logprobs.view(np.int32) for c in completions if c.logprobs is not None]
    return np.concatenate([np.zeros(0, np.int32), *parts])


def _unflat(flat: Words, lengths: Sequence[int], *, with_logprobs: bool) -> list[Arrays]:
    ends, total = np.cumsum(lengths)[:-1], sum(lengths)
    if not lengths:
        return []
    token_ids = np.split(flat[:total], ends)
    logprobs = np.split(flat[total:].view(np.float32), ends) if with_logprobs else [None] * len(lengths)
    return list(zip(token_ids, logprobs, strict=True))


def _sample(
    batch: RolloutBatch, place: Place, token_ids: NDArray[np.int32], logprobs: NDArray[np.float32] | None
) -> Sample:
    return Sample(
        prompt_ids=batch.prompts[place[0]],
        response_ids=token_ids,
        advantage=float(batch.groups.advantages_PG[place]),
        engine_logprobs=logprobs,
    )
