"""Whether the adaptive sampler should share its estimates among problems with the same `data_source`: by simulation.

uv run python benchmarks/sampler_sharing.py [--seeds N]

1,024 problems in eight sources. The log-odds of a problem's solve rate are those of its source (normal, deviation
`between`) plus its own (deviation `within`), and rise by `learned` over the run. Each step draws 16 problems with the
trainer's own code and samples 8 responses to each. What counts is the part of the groups that has right and wrong
responses; no policy is trained, so nothing here depends on the machine.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass

import numpy as np

from or1_data.schema import make_problem
from or1_reward.types import Status
from or1_trainer.algorithm.groups import Groups, Outcomes
from or1_trainer.algorithm.signal import weighted_order
from or1_trainer.config.sources import SamplerSettings
from or1_trainer.train.sampler import adaptive_weights, observed

PROBLEMS, SOURCES, PROMPTS, GROUP = 1024, 8, 16, 8


@dataclass(frozen=True, slots=True)
class World:
    """Where solve rates come from, and how long a run is."""

    name: str
    between: float
    within: float
    visits: float
    """Drawn problems per problem there is."""
    learned: float = 1.0


WORLDS = [
    World("sources differ, half a visit", 2.5, 0.7, 0.5),
    World("sources differ, four visits", 2.5, 0.7, 4),
    World("problems differ, half a visit", 0.7, 2.5, 0.5),
    World("problems differ, four visits", 0.7, 2.5, 4),
]
WAYS = {
    "uniform": None,
    "alone": SamplerSettings(kind="adaptive", share="none"),
    "shared": SamplerSettings(kind="adaptive", share="data_source"),
}
ROWS = [make_problem(f"{n}", n, ability="math", data_source=f"s{n % SOURCES}") for n in range(PROBLEMS)]


def simulated(world: World, settings: SamplerSettings | None, seed: int) -> float:
    """Part of a run's groups that have right and wrong responses."""
    rng = np.random.default_rng([seed, 1])
    start_P = rng.normal(0, world.between, SOURCES)[np.arange(PROBLEMS) % SOURCES] + rng.normal(
        0, world.within, PROBLEMS
    )
    steps, seen, mixed = int(world.visits * PROBLEMS / PROMPTS), {}, 0
    passes = np.concatenate([rng.permutation(PROBLEMS) for _ in range(int(world.visits) + 1)])
    for step in range(steps):
        rates_P = 1 / (1 + np.exp(-(start_P + world.learned * step / steps)))
        if settings is None:
            drawn = passes[step * PROMPTS : (step + 1) * PROMPTS]
        else:
            drawn = weighted_order(adaptive_weights(ROWS, seen, settings), (seed, step))[:PROMPTS]
        right_PG = rng.random((PROMPTS, GROUP)) < rates_P[drawn][:, None]
        mixed += int((right_PG.any(axis=1) & ~right_PG.all(axis=1)).sum())
        if settings is not None:
            seen = observed(seen, groups(drawn, right_PG), settings)
    return mixed / (steps * PROMPTS)


def groups(drawn, right_PG) -> Groups:
    """What the sampler looks at: statuses alone."""
    statuses_PG = np.where(right_PG, Status.CORRECT.value, Status.WRONG.value)
    unused = dict.fromkeys(Outcomes._fields)
    return Groups(
        problem_ids=tuple(ROWS[index].id for index in drawn),
        outcomes=Outcomes(**{**unused, "statuses_PG": statuses_PG}),
        advantages_PG=np.zeros(right_PG.shape),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    print(f"part of groups with signal, {len(seeds)} seeds: mean (smallest to largest)")
    print(f"| | {' | '.join(WAYS)} |\n|---|{'---|' * len(WAYS)}")
    for world in WORLDS:
        cells = []
        for settings in WAYS.values():
            found = [simulated(world, settings, seed) for seed in seeds]
            cells.append(f"{statistics.mean(found):.3f} ({min(found):.3f} to {max(found):.3f})")
        print(f"| {world.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
