"""Seeds of the samples of a call, and the groups that their completions form. Axes: P prompts, G samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from or1_rollout.engine import GenerateOptions, OnGroup, OnSample
from or1_rollout.seeds import sample_seed
from or1_rollout.turns import TurnRequest
from or1_rollout.types import Completion, Prompt, SamplingParams


def seeds_of(
    params: SamplingParams, num_prompts: int, seeds: Sequence[Sequence[int]] | None
) -> Sequence[Sequence[int]]:
    """[P][G] the seeds given, or those derived from `params.seed`. Raises `ValueError` for another shape."""
    if seeds is None:
        return [[sample_seed(params.seed, 0, at, sample) for sample in range(params.n)] for at in range(num_prompts)]
    if [len(group) for group in seeds] != [params.n] * num_prompts:
        raise ValueError(f"seeds must be [{num_prompts}][{params.n}], one per sample")
    return seeds


def limited(params: SamplingParams, num_prompts: int, limits: Sequence[int] | None) -> list[SamplingParams]:
    """[P] the parameters of each prompt: `limits` are its most new tokens, where less than `params.max_new_tokens`.

    Raises `ValueError` for another number of limits, and for one below 1.
    """
    limits_P = [params.max_new_tokens] * num_prompts if limits is None else limits
    if len(limits_P) != num_prompts:
        raise ValueError(f"limits must be {num_prompts} numbers of tokens, one per prompt")
    return [replace(params, max_new_tokens=min(limit, params.max_new_tokens)) for limit in limits_P]


class GroupCollector:
    """Collects completions that arrive in any order into groups, and reports each sample and each whole group once."""

    def __init__(
        self, num_prompts: int, group_size: int, on_group: OnGroup | None = None, on_sample: OnSample | None = None
    ) -> None:
        """For the callbacks see `Engine.generate`."""
        self._samples: list[dict[int, Completion]] = [{} for _ in range(num_prompts)]
        self._group_size, self._on_group, self._on_sample = group_size, on_group, on_sample

    def put(self, prompt: int, sample: int, completion: Completion) -> None:
        """Add one completion."""
        self._samples[prompt][sample] = completion
        if self._on_sample is not None:
            self._on_sample(prompt, sample, completion)
        if self._on_group is not None and len(self._samples[prompt]) == self._group_size:
            self._on_group(prompt, self._group(prompt))

    def groups(self) -> list[list[Completion]]:
        """All completions, [P][G]; every one must have been added."""
        return [self._group(prompt) for prompt in range(len(self._samples))]

    def _group(self, prompt: int) -> list[Completion]:
        return [self._samples[prompt][sample] for sample in range(self._group_size)]


class GroupFeed:
    """The samples of one call of `Engine.generate` as a `Feed`: all requests at once, then no more."""

    def __init__(self, prompts: Sequence[Prompt], params: SamplingParams, options: GenerateOptions) -> None:
        """Raises `ValueError` for seeds or limits of another shape."""
        seeds_PG = seeds_of(params, len(prompts), options.get("seeds"))
        params_P = limited(params, len(prompts), options.get("limits"))
        self._collector = GroupCollector(len(prompts), params.n, options.get("on_group"), options.get("on_sample"))
        self._places = [(prompt, sample) for prompt in range(len(prompts)) for sample in range(params.n)]
        self.requests = [
            TurnRequest(key, prompts[prompt], seeds_PG[prompt][sample], params_P[prompt].max_new_tokens)
            for key, (prompt, sample) in enumerate(self._places)
        ]
        """One per sample, group after group."""

    def take(self, step: int, *, wait: bool) -> list[TurnRequest]:
        """See `Feed.take`."""
        requests, self.requests = self.requests, []
        return requests

    def put(self, key: int, completion: Completion, step: int = 0) -> None:
        """See `Feed.put`."""
        self._collector.put(*self._places[key], completion)

    def is_over(self, key: int, step: int) -> bool:
        """See `Feed.is_over`: no sample has a second turn."""
        return True

    def groups(self) -> list[list[Completion]]:
        """All completions, [P][G]; every one must have been put."""
        return self._collector.groups()
