"""Which samples are missing, and an engine of any shape that draws them.

An object with `stream` gives sample by sample (the endpoint client); an object with `generate` gives samples
(`on_sample`, the engines of or1-rollout) or groups (`on_group`); a function gives one text at a time; a replay is asked
by name.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from or1_eval.engines.replay import ReplayEngine
from or1_eval.errors import EngineError
from or1_eval.samples import Key, Sample
from or1_eval.seeds import sample_seed
from or1_eval.types import CompletionLike, Engine, Problem, Prompt, Sampling, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A sample to be drawn."""

    problem: Problem
    index: int
    seed: int

    @property
    def key(self) -> Key:
        """The sample's name in its run."""
        return (self.problem.id, self.index)


@runtime_checkable
class SampleStream(Protocol):
    """An engine that hands out every sample as soon as it is complete, in any order."""

    def stream(
        self,
        prompts: Sequence[Prompt],
        params: Sampling,
        seeds: Sequence[int],
        *,
        on_tokens: Callable[[int], None] | None = None,
    ) -> Iterator[tuple[int, CompletionLike]]:
        """One completion per prompt [S] with its seed [S]; yields (position, completion).

        `on_tokens(n)` is told of n new tokens while responses are still being drawn.
        """


def missing(task: Task, k: int, run_seed: int, present: Collection[Key]) -> list[Request]:
    """The samples of a task that are not there yet, problem by problem (engines share the work on one prompt)."""
    return [
        Request(problem=problem, index=index, seed=sample_seed(run_seed, task.name, problem.id, index))
        for problem in task.problems
        for index in range(k)
        if (problem.id, index) not in present
    ]


class Taker(Protocol):
    """Gets what an engine draws, possibly in the engine's own thread."""

    def take(self, sample: Sample) -> None:
        """Get a sample as it comes."""

    def give_up(self, request: Request, completion: CompletionLike) -> None:
        """Hear of a sample that the engine gave up; `completion.error` may say why."""

    def count_tokens(self, number: int) -> None:
        """Hear of new tokens of samples that are still being drawn."""


def draw(engine: Any, task: str, requests: Sequence[Request], sampling: Sampling, taker: Taker) -> None:
    """Have the engine draw all requests of a task and hand each sample to `taker` as it comes.

    A completion that the engine gave up (finish_reason abort) says nothing about the model: its sample stays missing.
    """
    if isinstance(engine, ReplayEngine):
        for position, stored in engine.replay(task, [request.key for request in requests]):
            _hand_over(requests[position], stored, taker)
    elif isinstance(engine, SampleStream):
        prompts, seeds = [r.problem.prompt for r in requests], [r.seed for r in requests]
        for position, completion in engine.stream(prompts, replace(sampling, n=1), seeds, on_tokens=taker.count_tokens):
            _hand_over(requests[position], completion, taker)
    elif hasattr(engine, "generate"):
        for group in _equal_groups(requests):
            _draw_groups(engine, group, sampling, taker)
    elif callable(engine):
        from or1_eval.engines.function import FunctionEngine

        draw(FunctionEngine(engine), task, requests, sampling, taker)
    else:
        raise EngineError(
            f"{type(engine).__name__} is not an engine: it has neither generate(prompts, params, seeds=...) nor "
            "stream(prompts, params, seeds), and cannot be called with a prompt"
        )


def _equal_groups(requests: Sequence[Request]) -> list[list[list[Request]]]:
    """Problems that miss equally many samples go into one call: `n` is one number per call."""
    by_problem: Mapping[str, list[Request]] = defaultdict(list)
    for request in requests:
        by_problem[request.problem.id].append(request)
    by_count: Mapping[int, list[list[Request]]] = defaultdict(list)
    for group in by_problem.values():
        by_count[len(group)].append(group)
    return [by_count[count] for count in sorted(by_count, reverse=True)]


def _draw_groups(engine: Engine, groups: Sequence[Sequence[Request]], sampling: Sampling, taker: Taker) -> None:
    seen: set[tuple[int, int]] = set()

    def on_sample(position: int, index: int, completion: CompletionLike) -> None:
        if (position, index) not in seen:
            seen.add((position, index))
            _hand_over(groups[position][index], completion, taker)

    def on_group(position: int, completions: Sequence[CompletionLike]) -> None:
        _check_count(groups[position], completions)
        for index, completion in enumerate(completions):
            on_sample(position, index, completion)

    known = inspect.signature(engine.generate).parameters
    told: dict[str, Any] = {"on_sample": on_sample, "on_tokens": taker.count_tokens}
    completions_PG = engine.generate(
        [group[0].problem.prompt for group in groups],
        replace(sampling, n=len(groups[0])),
        seeds=[[request.seed for request in group] for group in groups],
        on_group=on_group,
        **{name: call for name, call in told.items() if name in known},
    )
    if len(completions_PG) != len(groups):
        raise EngineError(f"the engine returned {len(completions_PG)} groups for {len(groups)} prompts")
    for position, completions in enumerate(completions_PG):
        on_group(position, completions)  # what the engine did not report as it went


def _check_count(group: Sequence[Request], completions: Sequence[CompletionLike]) -> None:
    if len(group) != len(completions):
        raise EngineError(
            f"the engine returned {len(completions)} completions for problem {group[0].problem.id!r}, "
            f"{len(group)} were asked for; fewer samples would make a wrong avg@k"
        )


def _hand_over(request: Request, completion: CompletionLike, taker: Taker) -> None:
    reason = str(completion.finish_reason)
    if reason == "abort":
        taker.give_up(request, completion)
        return
    token_ids = tuple(int(token) for token in completion.token_ids)
    taker.take(
        Sample(
            problem_id=request.problem.id,
            index=request.index,
            seed=request.seed,
            text=completion.text,
            finish_reason=reason,
            token_ids=token_ids,
            num_tokens=int(getattr(completion, "num_sampled", 0))
            or len(token_ids)
            or int(getattr(completion, "num_tokens", -1)),
            answer=completion.last_turn if getattr(completion, "segments", ()) else None,  # type: ignore[attr-defined]
        )
    )
