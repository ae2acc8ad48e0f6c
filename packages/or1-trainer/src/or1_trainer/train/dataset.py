"""The problems of a run by source, and what the online filter has left of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from or1_data.schema import Problem
from or1_trainer.algorithm.groups import Groups
from or1_trainer.train.sampler import Remaining
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
        self._remaining = {name: Remaining(problems) for name, problems in pools.items()}
        self._limits = limits or {}
        self._source = {problem.id: name for name, problems in pools.items() for problem in problems if name}

    def left(self, name: str, dropped: Collection[str]) -> Sequence[Problem]:
        """The problems of a source except `dropped`."""
        return self._remaining[name].after(dropped)

    def all_left(self, dropped: Collection[str]) -> list[Problem]:
        """The problems of all sources except `dropped`."""
        return [problem for name in self.pools for problem in self.left(name, dropped)]

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


def source_metrics(groups: Groups, dataset: Dataset, state: RunState) -> dict[str, float]:
    """`sources/NAME.*`: prompts of this step, passes so far, mean reward, truncated and kept parts, mean length."""
    source_P = np.array([dataset.source_of(problem_id) for problem_id in groups.problem_ids])
    outcomes, metrics = groups.outcomes, dict[str, float]()
    for name in dataset.pools:
        chosen_P = source_P == name
        epoch, taken = state.cursors.get(name, (0, 0))
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
