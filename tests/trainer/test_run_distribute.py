"""Responses reach the data rank that trains on them, token for token, and no other; engines share prompts fairly."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason, SamplingParams, Segment
from or1_trainer.algorithm.groups import merge_outcomes, outcomes_of, split_minibatches, with_advantages
from or1_trainer.config.schema import LossSettings
from or1_trainer.train.distribute import distribute
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.judging import Response
from or1_trainer.train.rollout_batch import RolloutBatch

PROBLEMS, GROUP = 11, 3


class Post:
    """The collectives of `Exchange` between threads, one per rank."""

    def __init__(self, world):
        self.barrier, self.values = threading.Barrier(world, timeout=30), [None] * world

    def exchange(self, rank, world, tensor):
        runtime = SimpleNamespace(
            rank=rank, world_size=world, tensor_size=tensor, data_size=world // tensor, data_rank=rank // tensor
        )
        return SimpleNamespace(
            runtime=runtime,
            gather=lambda value: self._gather(rank, value),
            all_to_all=lambda outgoing, sizes: self._all_to_all(rank, outgoing, sizes),
        )

    def _gather(self, rank, value):
        self.values[rank] = value
        self.barrier.wait()
        found = list(self.values)
        self.barrier.wait()
        return found

    def _all_to_all(self, rank, outgoing, sizes):
        arrived = [sent[rank] for sent in self._gather(rank, outgoing)]
        assert [len(array) for array in arrived] == list(sizes), "the receiver knows what comes"
        assert len(arrived[rank]) == 0, "nothing is sent to oneself"
        return arrived


def in_every_rank(world, tensor, work):
    """`work(rank's exchange)` in all ranks at the same time; their results."""
    post = Post(world)
    with ThreadPoolExecutor(world) as threads:
        futures = [threads.submit(work, post.exchange(rank, world, tensor)) for rank in range(world)]
        return [future.result() for future in futures]


def response(problem, sample, with_logprobs, observes):
    random = np.random.default_rng([problem, sample])
    length = int(random.integers(1, 40))
    return Response(
        completion=Completion(
            token_ids=random.integers(1000, size=length),
            logprobs=-random.random(length, dtype=np.float32) if with_logprobs else None,
            text="",
            finish_reason=FinishReason.STOP,
            segments=segments(length) if observes and sample else (),
        ),
        verdict=Verdict(status=Status.CORRECT if (problem + sample) % 3 else Status.WRONG),
    )


def segments(length):
    """Every third token is an observation's, but the last."""
    return tuple(
        Segment(text="", num_tokens=1, is_sampled=place % 3 != 1 or place == length - 1) for place in range(length)
    )


def dealt(exchange, ranks_per_engine, with_logprobs, observes):
    """A rollout batch as this rank has it, and its mini-batches of four problems."""
    fleet = Fleet(None, exchange, ranks_per_engine=ranks_per_engine)
    own = {p: [response(p, g, with_logprobs, observes) for g in range(GROUP)] for p in fleet.own(PROBLEMS)}
    assert all(fleet.owner(p) == exchange.runtime.rank for p in own)
    completions = [[one.completion for one in group] for group in own.values()]
    mine = outcomes_of(completions, [[one.verdict for one in group] for group in own.values()], GROUP)
    parts = exchange.gather(mine)
    outcomes = merge_outcomes(parts, [fleet.own(PROBLEMS, rank) for rank in range(len(parts))])
    batch = RolloutBatch(
        problems=[None] * PROBLEMS,
        prompts=[[7] * (1 + p % 4) for p in range(PROBLEMS)],
        owners=[fleet.owner(p) for p in range(PROBLEMS)],
        groups=with_advantages([f"p{p}" for p in range(PROBLEMS)], outcomes, LossSettings(), limits_P=[64] * PROBLEMS),
        own=own,
    )
    steps = split_minibatches(batch.groups, range(PROBLEMS), 4, reject=True)
    return batch, steps, distribute(batch, steps, exchange, context_tokens=64)


@pytest.mark.parametrize(("with_logprobs", "observes"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize(
    ("world", "tensor", "ranks_per_engine"), [(1, 1, 1), (3, 1, 1), (4, 2, 1), (4, 2, 2), (6, 1, 3)]
)
def test_every_sample_is_trained_on_once_by_the_ranks_of_one_data_rank(
    world, tensor, ranks_per_engine, with_logprobs, observes
):
    ranks = in_every_rank(world, tensor, lambda exchange: dealt(exchange, ranks_per_engine, with_logprobs, observes))
    batch, steps, _ = ranks[0]
    assert sum(map(len, steps)) > 20
    for number, places in enumerate(steps):
        expected = [
            (p, response(p, g, with_logprobs, observes).completion, batch.groups.advantages_PG[p, g]) for p, g in places
        ]
        for tensor_rank in range(tensor):
            got = [sample for rank in ranks[tensor_rank::tensor] for sample in rank[2][number].samples]
            assert sorted(
                key(s.prompt_ids, s.response_ids, s.engine_logprobs, s.advantage, s.is_sampled) for s in got
            ) == sorted(
                key(batch.prompts[p], c.token_ids, c.logprobs, advantage, c.is_sampled_T if observes else None)
                for p, c, advantage in expected
            )
        extents = {rank[2][number].extent for rank in ranks}
        (extent,) = extents
        assert extent.num_sequences == len(places)
        assert extent.num_tokens == sum(completion.num_sampled for _, completion, _ in expected)


def key(prompt_ids, response_ids, logprobs, advantage, is_sampled):
    known = [None if values is None else tuple(values) for values in (logprobs, is_sampled)]
    return tuple(prompt_ids), tuple(response_ids), *known, advantage


@pytest.mark.parametrize(("world", "ranks_per_engine"), [(1, 1), (4, 1), (4, 2), (6, 3)])
def test_a_fleet_gives_every_rank_all_groups_in_order_and_each_reports_its_own(world, ranks_per_engine):
    reported = {}

    class Engine:
        def generate(self, prompts, params, *, seeds=None, on_group=None, on_sample=None):
            groups = [[(prompt, seed) for seed in row] for prompt, row in zip(prompts, seeds, strict=True)]
            for place in reversed(range(len(groups))):
                on_group(place, groups[place])
            return groups

    def work(exchange):
        fleet = Fleet(Engine(), exchange, ranks_per_engine=ranks_per_engine)
        return fleet.generate(
            list(range(PROBLEMS)),
            SamplingParams(n=2),
            seeds=[[10 * p, 10 * p + 1] for p in range(PROBLEMS)],
            on_group=lambda p, group: reported.update({p: (exchange.runtime.rank, group)}),
        )

    expected = [[(p, 10 * p), (p, 10 * p + 1)] for p in range(PROBLEMS)]
    assert in_every_rank(world, 1, work) == [expected] * world
    assert [reported[p][1] for p in range(PROBLEMS)] == expected
    assert {rank for rank, _ in reported.values()} == set(range(world)), "every rank judges some"
