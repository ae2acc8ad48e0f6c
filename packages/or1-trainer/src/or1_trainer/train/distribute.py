"""Responses from the ranks that sampled them to the ranks that train on them.

Every rank knows all lengths and advantages, so every rank computes the same plan; only token ids and log-probs travel,
as arrays, and only to where they are trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
            samples=[_sample(batch, place, responses[place]) for place in plan[runtime.data_rank]],
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
    totals_PG = batch.groups.outcomes.totals_PG
    sizes = [Size(place[0], len(batch.prompts[place[0]]), int(totals_PG[place])) for place in places]
    return [[places[index] for index in share] for share in balance(sizes, num_shares)]


class Arrays(NamedTuple):
    """What is known of each token of one response."""

    token_ids: NDArray[np.int32]
    logprobs: NDArray[np.float32] | None
    """The engine's, where it gave them for all responses that are trained on."""
    teacher: NDArray[np.float32] | None
    """The teacher's, where there is one."""
    is_sampled: NDArray[np.bool_] | None = None
    """Where a response has observations."""


Known = tuple[bool, bool, bool]
"""Whether there are the engine's log-probs, the teacher's, and masks."""


def fetch(batch: RolloutBatch, wanted: Sequence[Sequence[Place]], exchange: Exchange) -> dict[Place, Arrays]:
    """The responses that this rank's data rank wants: its own, and the others from their owners. Collective.

    `wanted` is by data rank; all tensor ranks of a data rank get the same.
    """
    runtime, has_logprobs_PG = exchange.runtime, batch.groups.outcomes.has_logprobs_PG
    with_logprobs = all(bool(has_logprobs_PG[place]) for places in wanted for place in places)

    def traffic(sender: int, receiver: int) -> list[Place]:
        places = wanted[receiver // runtime.tensor_size] if sender != receiver else []
        return [place for place in places if batch.owners[place[0]] == sender]

    ranks, totals_PG = range(runtime.world_size), batch.groups.outcomes.totals_PG
    known = (with_logprobs, batch.has_teacher, batch.has_observations)
    incoming = [traffic(sender, runtime.rank) for sender in ranks]
    lengths = [[int(totals_PG[place]) for place in places] for places in incoming]
    outgoing = [
        _flat([_arrays(batch, place, known) for place in traffic(runtime.rank, receiver)]) for receiver in ranks
    ]
    arrived = exchange.all_to_all(outgoing, [sum(each) * (1 + sum(known)) for each in lengths])
    found: dict[Place, Arrays] = {}
    for places, each, flat in zip(incoming, lengths, arrived, strict=True):
        found |= zip(places, _unflat(flat, each, known), strict=True)
    own = (place for place in wanted[runtime.data_rank] if batch.owners[place[0]] == runtime.rank)
    return found | {place: _arrays(batch, place, known) for place in own}


def _arrays(batch: RolloutBatch, place: Place, known: Known) -> Arrays:
    problem, sample = place
    response = batch.own[problem][sample]
    completion, (has_engine, _, has_masks) = response.completion, known
    return Arrays(
        completion.token_ids,
        completion.logprobs if has_engine else None,
        response.teacher_logprobs,
        completion.is_sampled_T if has_masks else None,
    )


def _flat(responses: Sequence[Arrays]) -> Words:
    """All token ids behind each other, then the engine's log-probs, the teacher's, the masks, as 32-bit words."""
    arrays = [array for kind in zip(*responses, strict=True) for array in kind if array is not None]
    words = (
        array.view(np.int32) if array.dtype == np.float32 else array.astype(np.int32, copy=False) for array in arrays
    )
    return np.concatenate([np.zeros(0, np.int32), *words])


def _unflat(flat: Words, lengths: Sequence[int], known: Known) -> list[Arrays]:
    if not lengths:
        return []
    parts, columns = iter(np.split(flat, 1 + sum(known))), list[Sequence[Any]]()
    for has, dtype in zip((True, *known), (np.int32, np.float32, np.float32, np.bool_), strict=True):
        if not has:
            columns.append([None] * len(lengths))
            continue
        words = next(parts)
        values = words.view(dtype) if dtype is np.float32 else words.astype(dtype)
        columns.append(np.split(values, np.cumsum(lengths)[:-1]))
    return [Arrays(*row) for row in zip(*columns, strict=True)]


def _sample(batch: RolloutBatch, place: Place, arrays: Arrays) -> Sample:
    return Sample(
        prompt_ids=batch.prompts[place[0]],
        response_ids=arrays.token_ids,
        advantage=float(batch.groups.advantages_PG[place]),
        engine_logprobs=arrays.logprobs,
        teacher_logprobs=arrays.teacher,
        is_sampled=arrays.is_sampled,
        name=place,
    )
