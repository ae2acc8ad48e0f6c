"""Verdicts on a Ray cluster: one actor per core grades batches, programs in a sandbox on each machine.

    uv run --group bench examples/ray_verify.py         # a cluster of this machine's cores
    uv run --group bench examples/ray_verify.py --address ray://HEAD:10001

Without Ray, `or1-reward serve` on each machine and `RemoteGraders` do the same over HTTP.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")  # else Ray starts each worker by `uv run`; read on import

import ray

from or1_reward import Verdict, verify_many

Item = tuple[str, object]


@ray.remote(num_cpus=1)
class GradingActor:
    """Grades batches one after the other."""

    def grade(self, items: list[Item]) -> list[Verdict]:
        """One verdict per (response, ground truth), in their order."""
        return list(verify_many(items, workers=1))


def grade(items: list[Item], *, actors: int, batch: int = 64) -> list[Verdict]:
    """Grade on `actors` actors, which take turns."""
    graders = [GradingActor.remote() for _ in range(actors)]  # held here: Ray ends actors that nobody refers to
    pool = ray.util.ActorPool(graders)
    batches = [items[start : start + batch] for start in range(0, len(items), batch)]
    graded = pool.map(lambda actor, part: actor.grade.remote(part), batches)
    return [verdict for part in graded for verdict in part]


def main(arguments: list[str] | None = None) -> Counter[str]:
    """How often each status occurs among 200 responses, half of which are wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default=None, help="of a cluster (default: start one on this machine)")
    parser.add_argument("--actors", type=int, default=2)
    given = parser.parse_args(arguments)
    ray.init(address=given.address or "local", include_dashboard=False, log_to_driver=False)
    items = [(rf"It is \boxed{{{n}}}.", str(n + n % 2)) for n in range(200)]
    counts = Counter(verdict.status.value for verdict in grade(items, actors=given.actors))
    print(dict(counts))
    ray.shutdown()
    return counts


if __name__ == "__main__":
    main(sys.argv[1:])
