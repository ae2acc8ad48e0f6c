"""The words of an evaluation: `Problem`, `Sampling`, `Task`, `Completion`, and the `Engine` it is handed.

Nothing here imports an engine: whatever has the `generate` of the `Engine` Protocol serves, with its own classes
for parameters and completions as long as the attributes have these names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from or1_rollout.types import Message, Prompt, SamplingParams

__all__ = ["Completion", "CompletionLike", "Engine", "Message", "Problem", "Prompt", "Sampling", "Task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(SamplingParams):
    """How to sample; the defaults are those of Skywork-OR1 (arXiv 2505.22312): 32K tokens, temperature 1, top-p 1.

    `evaluate` sets `n` to the samples that are asked for and hands over `seeds`; `seed` is the run's seed they derive
    from.
    """

    max_new_tokens: int = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem as plain data.

    `ground_truth` is what `or1_reward.verify` takes: JSON text or the object parsed from it; a function of no
    arguments that returns it is called only while the problem is graded (tests of many megabytes stay packed).
    """

    id: str
    prompt: Prompt
    ground_truth: Any
    info: Mapping[str, Any] = field(default_factory=dict)

    def truth(self) -> Any:
        """The ground truth, loaded now if it is lazy."""
        return self.ground_truth() if callable(self.ground_truth) else self.ground_truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A named set of problems with the sampling and k that its numbers are usually published with.

    `template` names the prompt template that made the prompts, `source` where the problems came from; both go into
    the result. `votes` is False where samples have no comparable answer to vote with (programs), so no maj@k.
    """

    name: str
    problems: tuple[Problem, ...]
    sampling: Sampling = Sampling()
    k: int = 1
    template: str = "as given"
    source: str = ""
    votes: bool = True

    def __post_init__(self) -> None:
        """Refuse an empty task and double ids: both would make numbers that look fine and mean nothing."""
        if not self.problems:
            raise ValueError(f"task {self.name!r} has no problems")
        ids = [problem.id for problem in self.problems]
        if len(set(ids)) != len(ids):
            double = next(problem_id for problem_id in ids if ids.count(problem_id) > 1)
            raise ValueError(f"task {self.name!r}: the problem id {double!r} occurs twice; ids must be unique")


class CompletionLike(Protocol):
    """What an engine gives back for one sample; `finish_reason` reads as stop, length or abort."""

    @property
    def token_ids(self) -> Collection[int]:
        """The sampled tokens, the end token included where there is one."""

    @property
    def text(self) -> str:
        """The tokens as text."""

    @property
    def finish_reason(self) -> str:
        """Why it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One sample of an engine of this package.

    `token_ids` is empty where the server gives none; `num_tokens` then comes from its usage count, and is -1 where
    that is missing too. `error` says why an aborted one was given up, `is_refused` that it was never begun.
    """

    text: str
    finish_reason: str
    token_ids: tuple[int, ...] = ()
    num_tokens: int = -1
    error: str = ""
    is_refused: bool = False

    def __post_init__(self) -> None:
        """Count the tokens where they are there."""
        if self.token_ids:
            object.__setattr__(self, "num_tokens", len(self.token_ids))


class Engine(Protocol):
    """Prompts in, groups of completions out; the engines of or1-rollout fit, and so does a class of your own."""

    def generate(
        self,
        prompts: Sequence[Any],
        params: Any,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: Callable[[int, list[Any]], None] | None = None,
        on_sample: Callable[[int, int, Any], None] | None = None,
        on_tokens: Callable[[int], None] | None = None,
    ) -> Sequence[Sequence[CompletionLike]]:
        """Sample `params.n` completions of each prompt.

        Args:
            prompts: [P] text, token ids or chat messages.
            params: has the attributes of `Sampling`.
            seeds: [P][n], one per sample, so that any single sample can be drawn again.
            on_group: called with a prompt's index and its completions as soon as they are complete.
            on_sample: called with a prompt's index, a sample's index and its completion as soon as it has ended.
            on_tokens: called with the number of further tokens that were sampled, also of unfinished samples. An engine
                without this parameter or `on_sample` is asked without it.

        Returns:
            [P][n] completions.
        """
