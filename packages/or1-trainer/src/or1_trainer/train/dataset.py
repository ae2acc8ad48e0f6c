"""The problems of a run by source, and the draw of a round: a source for each prompt, then the sampler's choice in it.

Everything that decides a draw is in the run's state: cursors and counts per source, and what was seen of each problem.
A round is drawn behind the ones before it, also when batches are sampled ahead, so a resumed run draws the same.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from or1_data.schema import Problem
from or1_trainer.algorithm.groups import Groups
from or1_trainer.algorithm.mixture import next_source, shares_of
from or1_trainer.algorithm.signal import weighted_order
from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.train.sampler import Cursor, adaptive_weights, difficulty_weights, draw
from or1_trainer.train.state import RunState

ALL = ""
"""The name of the one pool of a recipe without sources."""


class Dataset:
    """Training problems by source, and the held-out ones."""

    def __init__(
        self,
        pools: Mapping[str, Sequence[Problem]],
        heldout: Sequence[Problem],
        limits: Mapping[str, int] | None = None,
    ) -> None:
        """`pools` have no problem in common. `limits`: response tokens of sources with a limit of their own."""
        self.pools, self.heldout = pools, heldout
        self.train = [problem for problems in pools.values() for problem in problems]
        self._left: dict[str, tuple[Collection[str], Sequence[Problem]]] = {name: ((), pools[name]) for name in pools}
        self._limits = limits or {}
        self._source = {problem.id: name for name, problems in pools.items() for problem in problems if name}

    def left(self, name: str, dropped: Collection[str]) -> Sequence[Problem]:
        """The problems of a source except `dropped`; looked through once per filter."""
        known, left = self._left[name]
        if dropped != known:
            gone = set(dropped)
            left = [problem for problem in self.pools[name] if problem.id not in gone]
            self._left[name] = dropped, left
        return left

    @property
    def has_limits(self) -> bool:
        """Whether a source has a limit of its own."""
        return bool(self._limits)

    def limit_of(self, problem_id: str, context_tokens: int) -> int:
        """The longest response to a problem, in a stage that allows `context_tokens`."""
        return min(context_tokens, self._limits.get(self.source_of(problem_id), context_tokens))

    def source_of(self, problem_id: str) -> str:
        """The source that a problem belongs to."""
        return self._source.get(problem_id, "")


def draw_round(
    config: RunConfig, dataset: Dataset, state: RunState, count: int, *, step: int, number: int
) -> tuple[list[Problem], RunState]:
    """The `count` problems of round `number` of `step`, and the state behind them."""

    def pick(name: str, wanted: int, cursor: Cursor) -> tuple[list[Problem], Cursor]:
        return _pick(dataset.left(name, state.dropped), wanted, cursor, state, config, (step, number, name))

    if not config.data.sources:
        problems, cursor = pick(ALL, count, state.cursor)
        return problems, replace(state, epoch=cursor.epoch, taken=cursor.taken)
    names, counts = _sources(config, dataset, state, count)
    cursors, queues = dict(state.cursors), dict[str, Iterator[Problem]]()
    for name, wanted in Counter(names).items():
        problems, cursors[name] = pick(name, wanted, cursors.get(name, Cursor()))
        queues[name] = iter(problems)
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
    """The sampler's choice within one pool; `place` is (step, round, source)."""
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
    digest = hashlib.sha256(repr(place).encode()).digest()  # random numbers of their own for each place
    order = weighted_order(weights_P, (config.seed, int.from_bytes(digest[:8], "big")))
    times, rest = divmod(count, len(problems))
    indices = [*range(len(problems))] * times + order[:rest].tolist()
    return [problems[index] for index in indices], cursor.behind(count, len(problems))


def _unsolved(
    problems: Sequence[Problem], count: int, cursor: Cursor, state: RunState, config: RunConfig
) -> tuple[list[Problem], Cursor]:
    """The next problems of the random order that were not solved at their last visits; all of them if all were."""
    visits = config.data.sampler.visits
    solved = {name for name, seen in state.seen.items() if seen.streak >= visits}
    unsolved = {problem.id for problem in problems} - solved
    if not unsolved:
        raise ConfigError(
            f"no problems are left to train on: the last {visits} groups of each were all right; add harder ones, "
            "or set data.sampler.visits higher"
        )
    drawn: list[Problem] = []
    while len(drawn) < count:
        (problem,), cursor = draw(problems, 1, cursor, config.seed)
        drawn += [problem] if problem.id in unsolved else []
    return drawn, cursor


def source_metrics(groups: Groups, dataset: Dataset, state: RunState) -> dict[str, float]:
    """`sources/NAME.*`: prompts of this step, passes so far, mean reward, truncated and kept parts, mean length."""
    source_P = np.array([dataset.source_of(problem_id) for problem_id in groups.problem_ids])
    outcomes, metrics = groups.outcomes, dict[str, float]()
    for name in dataset.pools:
        chosen_P = source_P == name
        epoch, taken = state.cursors.get(name, Cursor())
        left = len(dataset.left(name, state.dropped))
        metrics[f"sources/{name}.prompts"] = int(chosen_P.sum())
        metrics[f"sources/{name}.epochs"] = epoch + taken / max(left, 1)
        if chosen_P.any():
            rewards_PG = outcomes.rewards_PG[chosen_P]
            known = rewards_PG[~np.isnan(rewards_PG)]
            metrics[f"sources/{name}.reward"] = float(known.mean()) if known.size else 0.0
            metrics[f"sources/{name}.truncated"] = float(outcomes.truncated_PG[chosen_P].mean())
            metrics[f"sources/{name}.kept"] = float(groups.has_signal_P[chosen_P].mean())
            metrics[f"sources/{name}.length"] = float(outcomes.lengths_PG[chosen_P].mean())
    return metrics
