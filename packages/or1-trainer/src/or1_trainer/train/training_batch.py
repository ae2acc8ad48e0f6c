"""What a step trains on and logs: its rollout batch, refilled where the recipe says so, dealt out to the data ranks.

Dynamic sampling (DAPO, arXiv 2503.14476, §3.2) draws further prompts in place of groups that were all right or all
wrong. An extension: the report's effective batch shrinks (Skywork-OR1, arXiv 2505.22312, §3.1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from or1_trainer.algorithm.groups import Groups, split_minibatches
from or1_trainer.algorithm.packing import Sample
from or1_trainer.metrics.log import Value
from or1_trainer.metrics.rollout_log import RolloutRecord
from or1_trainer.train.distribute import Minibatch, Place, distribute
from or1_trainer.train.hashes import batch_hashes
from or1_trainer.train.job import Job
from or1_trainer.train.judging import Response
from or1_trainer.train.rollout_batch import RolloutBatch, rollout_round
from or1_trainer.train.rollout_records import sampled_records, token_problems
from or1_trainer.train.stages import Position
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.weight_sync import PROBE_TOKENS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingBatch:
    """One step's data on one rank."""

    groups: Groups
    """All that were drawn."""
    minibatches: Sequence[Minibatch]
    """One per optimizer step, with this data rank's samples."""
    records: Mapping[Place, RolloutRecord]
    """The texts that the rollout log keeps, on rank 0."""
    by_token: Collection[int]
    """The problems that it keeps token by token."""
    probe: Sample
    """The beginning of a response to the first prompt, on which trainer and engine must agree after the weight sync."""
    metrics: Mapping[str, Value]
    """`hash/*`, and `refill/*` where the recipe refills."""


def training_batch(job: Job, position: Position, state: RunState, times: StepTimes) -> tuple[TrainingBatch, RunState]:
    """Roll out the batch of a step, and the state with the cursor behind it. Collective."""
    stage, exchange = position.stage, job.fleet.exchange
    batch, rounds, state = roll_out(job, position, state, times)
    trained: Sequence[int] = range(len(batch.problems))
    if job.config.rollout.refill:  # the first in the order of drawing: nothing depends on which ended early
        trained = np.flatnonzero(batch.groups.has_signal_P)[: stage.prompts].tolist()
    steps = split_minibatches(batch.groups, trained, stage.mini_prompts, reject=job.config.loss.reject_zero_advantage)
    with times.phase("distribute"):
        minibatches = distribute(batch, steps, exchange, context_tokens=stage.context_tokens)
        watch, names = job.config.watch, job.scoring.names
        by_token = token_problems(
            batch, position.step + 1, watch, trained={problem for places in steps for problem, _ in places}
        )
        records = sampled_records(batch, position.step + 1, watch, job.prompts, exchange, names, by_token)
        metrics: dict[str, Value] = {**batch_hashes(batch, exchange, drawn=stage.prompts)}
        first = [probe_response(responses) for responses in batch.own.values()][:1]
        ((response_ids,), *_) = exchange.gather(first)  # rank 0 holds the first problem
    if job.config.rollout.refill:
        surplus = int(batch.groups.has_signal_P.sum()) - len(trained)
        metrics |= {"refill/rounds": rounds, "refill/drawn": len(batch.problems), "refill/surplus": surplus}
    found = TrainingBatch(
        groups=batch.groups,
        minibatches=minibatches,
        records=records,
        by_token=by_token,
        probe=Sample(prompt_ids=batch.prompts[0], response_ids=response_ids, advantage=0.0),
        metrics=metrics,
    )
    return found, state


def roll_out(job: Job, position: Position, state: RunState, times: StepTimes) -> tuple[RolloutBatch, int, RunState]:
    """One round, and more until all prompts have a group with an advantage, or `rollout.refill` more were drawn.

    Returns all groups, the number of rounds beyond the first, and the state behind them.
    """
    stage, step, rounds = position.stage, position.step, 0
    batch, state = rollout_round(job, stage, step, 0, state, times)
    while rounds < job.config.rollout.refill and batch.groups.has_signal_P.sum() < stage.prompts:
        rounds += 1
        more, state = rollout_round(job, stage, step, rounds, state, times)
        batch = batch + more
    return batch, rounds, state


def probe_response(responses: Sequence[Response]) -> list[int]:
    """The first tokens of the longest response: over more tokens the rounding of single ones averages out."""
    longest = max((response.completion.token_ids for response in responses), key=len)
    return list(longest[:PROBE_TOKENS])
