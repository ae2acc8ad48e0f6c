"""The difficulty stage: attempts are drawn in rounds, and no more of them than the decision needs.

Keeping what is neither always nor never solved needs only one success and one failure: on a real set that takes about
nine attempts in place of sixteen, with the same decisions. `stop = "full"` always makes all attempts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, Literal, Protocol

import msgspec

from or1_data.completion import Completion
from or1_data.difficulty.counts import PassCount, counts_of, merge, with_count
from or1_data.errors import ConfigError
from or1_data.schema import Problem
from or1_data.verifying import Verifier

NOTE: Final = "difficulty"


class Sampler(Protocol):
    """Draws responses: `sample(prompts, counts, first_attempts)` gives `counts[i]` for `prompts[i]` (chat messages).

    Any engine fits behind this. A response is a text, or a `Completion` that says whether it was cut off.
    `first_attempts[i]` says how many attempts prompt i had before, so that seeds need not repeat.
    """

    def sample(
        self, prompts: Sequence[Sequence[dict[str, str]]], counts: Sequence[int], first_attempts: Sequence[int]
    ) -> Sequence[Sequence[str | Completion]]:
        """The responses, in the order of the prompts."""


class DifficultySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many attempts a model gets, and when to stop early."""

    model: str = "model"
    """The name under which counts are stored."""
    attempts: int = 16
    attempts_code: int = 8
    stop: Literal["mixed", "full"] = "mixed"
    """`mixed`: stop as soon as both outcomes were seen; `full`: always all attempts."""
    round: int = 4
    """Attempts of one problem drawn at a time; a smaller round stops sooner, a larger one keeps servers fuller."""
    suspect_share: float = 0.5
    """A gold is suspect when it was never met and at least this share of the attempts agree on one other answer."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if min(self.attempts, self.attempts_code, self.round) < 1:
            raise ConfigError("difficulty: attempts, attempts_code and round must be at least 1")


def estimate_difficulty(
    problems: Iterable[Problem], sampler: Sampler, verifier: Verifier, settings: DifficultySettings, *, batch: int = 256
) -> Iterator[Problem]:
    """Each problem with counts for `settings.model`; counts that a row already has are added to, not replaced."""
    rows = iter(problems)
    while chunk := list(islice(rows, batch)):
        yield from _Round(chunk, settings).run(sampler, verifier)


class _Round:
    """One batch of problems while attempts are drawn for it."""

    def __init__(self, problems: list[Problem], settings: DifficultySettings) -> None:
        self.problems, self.settings = problems, settings
        self.counts = [counts_of(problem).get(settings.model, PassCount(0, 0)) for problem in problems]
        self.other: list[Counter[str]] = [_others(problem, settings.model) for problem in problems]
        self.unjudged = [0] * len(problems)
        self.truncated = [_truncated(problem, settings.model) for problem in problems]

    def run(self, sampler: Sampler, verifier: Verifier) -> Iterator[Problem]:
        while open_ := [index for index in range(len(self.problems)) if self.missing(index)]:
            wanted = [min(self.settings.round, self.missing(index)) for index in open_]
            prompts = [[dict(message) for message in self.problems[index].prompt] for index in open_]
            texts = sampler.sample(prompts, wanted, [self._drawn(index) for index in open_])
            for index, group in zip(open_, texts, strict=True):
                self._judge(index, group, verifier)
        for index, problem in enumerate(self.problems):
            yield self._noted(index, problem)

    def missing(self, index: int) -> int:
        """How many more attempts this problem may need."""
        settings, count = self.settings, self.counts[index]
        limit = settings.attempts if self.problems[index].ability == "math" else settings.attempts_code
        if settings.stop == "mixed" and 0 < count.num_correct < count.num_attempts:
            return 0
        return max(0, limit - self._drawn(index))

    def _drawn(self, index: int) -> int:
        return self.counts[index].num_attempts + self.unjudged[index]

    def _judge(self, index: int, responses: Sequence[str | Completion], verifier: Verifier) -> None:
        if not responses:
            raise ConfigError(f"the sampler gave no attempt for problem {self.problems[index].id}")
        for response in responses:
            text, truncated = response if isinstance(response, Completion) else Completion(response)
            if truncated:  # a failure whatever it contains, as in training
                self.truncated[index] += 1
                self.counts[index] = merge(self.counts[index], PassCount(0, 1))
                continue
            verdict = verifier(text, self.problems[index].ground_truth)
            if verdict.reward is None:
                self.unjudged[index] += 1
                continue
            right = verdict.reward > 0
            self.counts[index] = merge(self.counts[index], PassCount(int(right), 1))
            if not right and self.problems[index].ability == "math" and verdict.extracted:
                self.other[index][" ".join(verdict.extracted.split())] += 1

    def _noted(self, index: int, problem: Problem) -> Problem:
        count, settings = self.counts[index], self.settings
        note: dict[str, Any] = dict(problem.notes.get(NOTE) or {})
        own: dict[str, Any] = {"num_correct": count.num_correct, "num_attempts": count.num_attempts}
        if self.unjudged[index]:
            own["unjudged"] = self.unjudged[index]
        if self.truncated[index]:
            own["truncated"] = self.truncated[index]
        if self.other[index]:
            own["wrong_answers"] = dict(self.other[index].most_common(5))
            answer, votes = self.other[index].most_common(1)[0]
            if not count.num_correct and votes >= max(2, settings.suspect_share * count.num_attempts):
                own["suspect_gold"] = {"answer": answer, "votes": votes}
        noted = problem.with_note(NOTE, {**note, settings.model: own})
        return replace(noted, extra_info=with_count(problem.extra_info, settings.model, count))


def _truncated(problem: Problem, model: str) -> int:
    return int(((problem.notes.get(NOTE) or {}).get(model) or {}).get("truncated", 0))


def _others(problem: Problem, model: str) -> Counter[str]:
    earlier = (problem.notes.get(NOTE) or {}).get(model) or {}
    return Counter(earlier.get("wrong_answers") or {})
