"""The problems of a run by source, and what the online filter has left of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from or1_data.schema import Problem
from or1_trainer.train.sampler import Remaining

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
