"""Samples on their way to groups: their seeds, and completions that come in any order. Axes: P prompts, G samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from or1_rollout.seeds import derived_seeds
from or1_rollout.types import Completion, SamplingParams


def seeds_of(
    params: SamplingParams, num_prompts: int, seeds: Sequence[Sequence[int]] | None
) -> Sequence[Sequence[int]]:
    """[P][G] the seeds given, or those derived from `params.seed`. Raises `ValueError` for another shape."""
    seeds_PG = derived_seeds(params.seed, num_prompts, params.n) if seeds is None else seeds
    if [len(group) for group in seeds_PG] != [params.n] * num_prompts:
        raise ValueError(f"seeds must be [{num_prompts}][{params.n}], one per sample")
    return seeds_PG


class Gathering:
    """Completions sorted into groups; each group is told once, as soon as it is whole."""

    def __init__(
        self, num_prompts: int, group_size: int, on_group: Callable[[int, list[Completion]], None] | None
    ) -> None:
        """`on_group(prompt, group)`, see `Engine.generate`."""
        self._samples: list[dict[int, Completion]] = [{} for _ in range(num_prompts)]
        self._group_size, self._on_group = group_size, on_group

    def put(self, prompt: int, sample: int, completion: Completion) -> None:
        """Take one completion to its place."""
        self._samples[prompt][sample] = completion
        if self._on_group is not None and len(self._samples[prompt]) == self._group_size:
            self._on_group(prompt, self._group(prompt))

    def groups(self) -> list[list[Completion]]:
        """[P][G], once all are there."""
        return [self._group(prompt) for prompt in range(len(self._samples))]

    def _group(self, prompt: int) -> list[Completion]:
        return [self._samples[prompt][sample] for sample in range(self._group_size)]
