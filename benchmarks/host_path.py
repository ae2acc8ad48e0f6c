"""From completions to packed micro-batches on one rank of eight: seconds and peak memory of the host's work.

    uv run python benchmarks/host_path.py
    uv run python benchmarks/host_path.py --prompts 64 --ranks 2

The batch is the report's (Skywork-OR1, arXiv 2505.22312, table 10): 256 prompts x 16 responses, here of 1,000 to 11,000
tokens each, random. One process plays rank 0: it holds an eighth of the responses, shares their numbers, computes
advantages, sends and receives what each rank trains on, and packs. What the other ranks would send is made up in the
right sizes; pickling, copying and unpickling are done as the collectives do them. No engine, verifier or model runs.

On one core of a Xeon: 0.18 to 0.29 s and 154 MB. The same work on tuples of Python numbers that went to every rank
(commit 4ce5952) took 5.5 to 15 s and 2,020 MB, beside 345 MB more for the rank's own responses.
"""

from __future__ import annotations

import argparse
import pickle
import resource
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.algorithm.groups import merge_outcomes, outcomes_of, split_minibatches, with_advantages
from or1_trainer.config.schema import BatchSettings, LossSettings
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.distribute import distribute
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.judging import Response
from or1_trainer.train.learner import Learner
from or1_trainer.train.rollout_batch import RolloutBatch

SHORTEST, LONGEST, PROMPT_TOKENS, VOCABULARY = 1_000, 11_000, 200, 150_000


class OneRankAlone(Exchange):
    """Rank 0's part of the collectives: it serializes and copies as much as with real peers."""

    def __init__(self, ranks: int) -> None:
        """Rank 0 of `ranks` data-parallel ranks."""
        self.runtime = Runtime(torch.device("cpu"), 0, ranks, 1, 0, ranks, 0)
        self.bytes = 0

    def gather(self, value: Any) -> list[Any]:
        """Unpickle `ranks` copies of the outcomes, those of the others with their lengths in another order."""
        data = pickle.dumps(value)
        self.bytes += len(data) * self.runtime.world_size
        mine, *others = (pickle.loads(data) for _ in range(self.runtime.world_size))
        random = np.random.default_rng(1)
        lengths = [random.permuted(other.lengths_PG) for other in others]
        return [mine, *(other._replace(lengths_PG=n, totals_PG=n) for other, n in zip(others, lengths, strict=True))]

    def all_to_all(self, outgoing: Any, incoming_sizes: Any) -> list[Any]:
        """Copy what is sent, and receive zeros."""
        self.bytes += np.concatenate(outgoing).nbytes + 4 * sum(incoming_sizes)
        return np.split(np.zeros(sum(incoming_sizes), np.int32), np.cumsum(incoming_sizes)[:-1])


def made_up(groups: int, group: int, seed: int = 0) -> list[list[Response]]:
    """Judged responses of random tokens, half of them right."""
    random = np.random.default_rng(seed)

    def response() -> Response:
        length = int(random.integers(SHORTEST, LONGEST + 1))
        completion = Completion(
            token_ids=random.integers(VOCABULARY, size=length, dtype=np.int32),
            logprobs=-random.random(length, dtype=np.float32),
            text="",
            finish_reason=FinishReason.STOP,
        )
        return Response(
            completion=completion, verdict=Verdict(status=Status.CORRECT if random.random() < 0.5 else Status.WRONG)
        )

    return [[response() for _ in range(group)] for _ in range(groups)]


def host_path(fleet: Fleet, own_groups: list[list[Response]], prompts: int, group: int) -> int:
    """What a rank does between the last verdict and the first forward pass; response tokens it then trains on."""
    exchange = fleet.exchange
    own = dict(zip(fleet.own(prompts), own_groups, strict=True))
    outcomes = outcomes_of(
        [[one.completion for one in responses] for responses in own_groups],
        [[one.verdict for one in responses] for responses in own_groups],
        group,
    )
    parts = exchange.gather(outcomes)
    merged = merge_outcomes(parts, [fleet.own(prompts, rank) for rank in range(len(parts))])
    names = [f"p{index}" for index in range(prompts)]
    groups = with_advantages(names, merged, LossSettings(), limits_P=[16384] * len(names))
    batch = RolloutBatch(
        problems=[],
        prompts=[np.arange(PROMPT_TOKENS, dtype=np.int32)] * prompts,
        owners=[fleet.owner(index) for index in range(prompts)],
        groups=groups,
        own=own,
    )
    steps = split_minibatches(groups, range(prompts), 0, reject=True)
    (minibatch,) = distribute(batch, steps, exchange, context_tokens=16384)
    learner: Any = SimpleNamespace(runtime=exchange.runtime, batch=BatchSettings(), wide_dtype=torch.float32)
    return sum(len(packed.labels_M) for packed in Learner.packed(learner, minibatch.samples))


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--group", type=int, default=16)
    parser.add_argument("--ranks", type=int, default=8)
    options = parser.parse_args()
    exchange = OneRankAlone(options.ranks)
    engine: Any = None
    fleet = Fleet(engine, exchange)
    own = made_up(len(fleet.own(options.prompts)), options.group)
    host_path(fleet, made_up(1, 16), options.ranks, 16)  # imports and allocators warm up
    exchange.bytes, before_mb = 0, resident_mb()
    began = time.perf_counter()
    tokens = host_path(fleet, own, options.prompts, options.group)
    seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{options.prompts} x {options.group} responses over {options.ranks} ranks: {seconds:.2f} s, "
        f"{peak_mb - before_mb:.0f} MB above the {before_mb:.0f} MB before, {exchange.bytes / 1e6:.0f} MB through the "
        f"exchange, {tokens} response tokens packed"
    )


def resident_mb() -> float:
    """Resident memory of this process."""
    fields = Path("/proc/self/status").read_text().split()
    return int(fields[fields.index("VmRSS:") + 1]) / 1e3


if __name__ == "__main__":
    main()
