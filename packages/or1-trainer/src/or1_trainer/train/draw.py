"""Draw the problems of a round: a source for each prompt, then the sampler's choice within each source.

Everything that decides it is in the run's state: cursors and counts per source, and what was seen of each problem. A
round is drawn behind the ones before it, also when batches are sampled ahead, so a resumed run draws the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from or1_data.schema import Problem
from or1_trainer.algorithm.mixture import next_source, shares_of
from or1_trainer.algorithm.signal import weighted_order
from or1_trainer.config.schema import RunConfig, SamplerSettings
from or1_trainer.errors import ConfigError
from or1_trainer.train.dataset import ALL, Dataset
from or1_trainer.train.estimates import adaptive_weights, difficulty_weights
from or1_trainer.train.sampler import Cursor, draw
from or1_trainer.train.state import RunState


def draw_round(
    config: RunConfig, dataset: Dataset, state: RunState, count: int, *, step: int, number: int
) -> tuple[list[Problem], RunState]:
    """The `count` problems of round `number` of `step`, and the state behind them."""
    if not config.data.sources:
        problems, cursor = _pick(
            dataset.left(ALL, state.dropped),
            count,
            Cursor(epoch=state.epoch, taken=state.taken),
            state,
            config,
            (step, number, ALL),
        )
        return problems, replace(state, epoch=cursor.epoch, taken=cursor.taken)
    names, counts = _sources(config, dataset, state, count)
    cursors, drawn = dict(state.cursors), dict[str, list[Problem]]()
    for name, wanted in Counter(names).items():
        cursor = Cursor(epoch=cursors.get(name, (0, 0))[0], taken=cursors.get(name, (0, 0))[1])
        left = dataset.left(name, state.dropped)
        drawn[name], cursor = _pick(left, wanted, cursor, state, config, (step, number, name))
        cursors[name] = (cursor.epoch, cursor.taken)
    queues = {name: iter(problems) for name, problems in drawn.items()}
    return [next(queues[name]) for name in names], replace(state, cursors=cursors, source_counts=counts)


def _sources(config: RunConfig, dataset: Dataset, state: RunState, count: int) -> tuple[list[str], dict[str, int]]:
    """The source of each of the next prompts. One without problems left takes no part, and counting starts anew."""
    weights = {source.label: source.weight for source in config.data.sources}
    left = {name: weight for name, weight in weights.items() if dataset.left(name, state.dropped)}
    if not left:
        raise ConfigError("no problems are left to train on: all sources were always solved")
    counts = dict(state.source_counts)
    if counts.keys() - left.keys():
        counts = {}
    shares, names = shares_of(left), list[str]()
    for _ in range(count):
        name = next_source(counts, shares)
        counts[name] = counts.get(name, 0) + 1
        names.append(name)
    return names, counts


def _pick(
    problems: Sequence[Problem],
    count: int,
    cursor: Cursor,
    state: RunState,
    config: RunConfig,
    place: tuple[int, int, str],
) -> tuple[list[Problem], Cursor]:
    """The sampler's choice within one pool."""
    settings = config.data.sampler
    if settings.kind == "uniform":
        return draw(problems, count, cursor, config.seed)
    if settings.kind == "drop_solved":
        return _unsolved(problems, count, cursor, state, config)
    weights_P = (
        difficulty_weights(problems, settings)
        if settings.kind == "difficulty"
        else adaptive_weights(problems, state.seen, settings)
    )
    order = weighted_order(weights_P, _key(config.seed, place))
    times, rest = divmod(count, len(problems))
    indices = [*range(len(problems))] * times + order[:rest].tolist()
    passed = cursor.taken + count
    return [problems[index] for index in indices], Cursor(
        epoch=cursor.epoch + passed // len(problems), taken=passed % len(problems)
    )


def _unsolved(
    problems: Sequence[Problem], count: int, cursor: Cursor, state: RunState, config: RunConfig
) -> tuple[list[Problem], Cursor]:
    """The next problems of the random order that were not solved at their last visits; all of them if all were."""
    drawn: list[Problem] = []
    visits = config.data.sampler.visits
    if all(is_solved(problem, state, config.data.sampler) for problem in problems):
        raise ConfigError(
            f"no problems are left to train on: the last {visits} groups of each were all right; add harder ones, "
            "or set data.sampler.visits higher"
        )
    while len(drawn) < count:
        (problem,), cursor = draw(problems, 1, cursor, config.seed)
        if not is_solved(problem, state, config.data.sampler):
            drawn.append(problem)
    return drawn, cursor


def is_solved(problem: Problem, state: RunState, settings: SamplerSettings) -> bool:
    """Whether the last `visits` groups of a problem were all right."""
    seen = state.seen.get(problem.id)
    return seen is not None and seen.streak >= settings.visits


def _key(seed: int, place: tuple[int, int, str]) -> tuple[int, int]:
    """Random numbers of their own for each step, round and source."""
    digest = hashlib.sha256(repr(place).encode()).digest()
    return seed, int.from_bytes(digest[:8], "big")
