"""The difficulty stage: attempts are drawn in rounds, and no more of them than the decision needs.

Keeping what is neither always nor never solved needs only one success and one failure: on a real set that takes about
nine attempts in place of sixteen, with the same decisions. `stop = "full"` always makes all attempts.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Final, Protocol, runtime_checkable

from or1_data.calls import Call, CallStore, ChatModel, Completion, PromptRefused
from or1_data.calls.queue import ROWS_PER_SLOT, Once, in_order, iterate
from or1_data.difficulty.attempts import NOTE, RowAttempts
from or1_data.difficulty.settings import DifficultySettings
from or1_data.errors import ConfigError, EndpointError
from or1_data.schema import Problem
from or1_data.verifying import Verifier

__all__ = ["NOTE", "DifficultySettings", "Sampler", "estimate_difficulty"]

_SEED_STEP: Final = 1_000_003
ALL_REFUSED: Final = 32
"""So many refusals without one answer are no matter of single prompts."""


@runtime_checkable
class Sampler(Protocol):
    """Draws responses: `sample(prompts, counts, first_attempts)` gives `counts[i]` for `prompts[i]` (chat messages).

    Any engine fits behind this. A response is a text, or a `Completion` that says whether it was cut off.
    `first_attempts[i]` says how many attempts prompt i had before, so that seeds need not repeat.
    """

    def sample(
        self, prompts: Sequence[Sequence[dict[str, str]]], counts: Sequence[int], first_attempts: Sequence[int]
    ) -> Sequence[Sequence[str | Completion]]:
        """The responses, in the order of the prompts."""


def estimate_difficulty(
    problems: Iterable[Problem],
    sampler: Sampler | ChatModel,
    verifier: Verifier,
    settings: DifficultySettings,
    *,
    store: CallStore | None = None,
    decisive: object = None,
    seed: int = 0,
    batch: int = 256,
) -> Iterator[Problem]:
    """Each problem with counts for `settings.model`; counts that a row already has are added to, not replaced.

    A chat model is kept busy over all rows at once; a sampler is asked for `batch` rows at a time. `store` keeps what
    was paid, by problem, prompt and `decisive` (JSON: whatever else decides an attempt).
    """
    kept = store or CallStore()
    key = [decisive if decisive is not None else settings.model, seed]
    if isinstance(sampler, Sampler):
        return _in_batches(problems, sampler, verifier, settings, kept, key, batch)
    return _Queue(sampler, verifier, settings, kept, key, seed).run(problems)


def _in_batches(
    problems: Iterable[Problem], sampler: Sampler, verifier: Verifier, settings: DifficultySettings, store: CallStore,
    decisive: object, batch: int,
) -> Iterator[Problem]:  # fmt: skip
    rows = (RowAttempts(problem, settings, store, decisive) for problem in problems)
    while chunk := list(islice(rows, batch)):
        while by_key := {row.key: (row, numbers) for row in chunk if (numbers := _unpaid(row, verifier))}:
            asked = list(by_key.values())
            prompts, counts = [row.prompt for row, _ in asked], [len(numbers) for _, numbers in asked]
            answers = sampler.sample(prompts, counts, [numbers[0] for _, numbers in asked])
            for (row, numbers), responses in zip(asked, answers, strict=True):
                if not responses:
                    raise ConfigError(f"the sampler returned no attempt for problem {row.problem.id}")
                for number, response in zip(numbers, responses, strict=False):
                    completion = response if isinstance(response, Completion) else Completion(response)
                    row.judged(number, completion, verifier)
        yield from (row.noted() for row in chunk)


def _unpaid(row: RowAttempts, verifier: Verifier) -> list[int]:
    """The attempts to ask for of the first round that is not paid in full; rounds before it are counted."""
    while numbers := row.numbers():
        missing = [number for number in numbers if row.store.get(row.key, number) is None]
        if missing:
            return missing
        for number in numbers:
            row.add(row.known(number, verifier))
    return []


class _Queue:
    """All rows at once over the slots of a chat model."""

    def __init__(
        self, model: ChatModel, verifier: Verifier, settings: DifficultySettings, store: CallStore, decisive: object,
        seed: int,
    ) -> None:  # fmt: skip
        self.model, self.verifier, self.settings = model, verifier, settings
        self.store, self.decisive, self.seed = store, decisive, seed
        self.answered = self.refused = 0
        self.once = Once[Call]()

    def run(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        return iterate(lambda: self._all(problems), self.model)

    async def _all(self, problems: Iterable[Problem]) -> AsyncIterator[Problem]:
        self.slots = asyncio.Semaphore(self.model.slots)
        with ThreadPoolExecutor(os.cpu_count() or 1, "verify") as self.pool:
            async for problem in in_order(problems, self._row, self.model.slots * ROWS_PER_SLOT):
                yield problem

    async def _row(self, problem: Problem) -> Problem:
        row = RowAttempts(problem, self.settings, self.store, self.decisive)
        while numbers := row.numbers():
            attempts = (self.once((row.key, number), partial(self._attempt, row, number)) for number in numbers)
            for outcome in await asyncio.gather(*attempts, return_exceptions=True):
                if isinstance(outcome, PromptRefused):
                    row.refused = str(outcome)
                elif isinstance(outcome, BaseException):
                    raise outcome
                else:
                    row.add(outcome)
            if row.refused:
                self._note_refusal(row)
        return row.noted()

    async def _attempt(self, row: RowAttempts, number: int) -> Call:
        loop = asyncio.get_running_loop()
        call = row.store.get(row.key, number)
        if call is not None:
            if not call.text:
                return call
            return await loop.run_in_executor(self.pool, row.known, number, self.verifier)
        async with self.slots:
            completion = await self._completion(row, number)
        self.answered += 1
        return await loop.run_in_executor(self.pool, row.judged, number, completion, self.verifier)

    async def _completion(self, row: RowAttempts, number: int) -> Completion:
        if why := row.store.refused.get(row.key):
            raise PromptRefused(why)
        try:
            return await self.model.complete(row.prompt, seed=self.seed * _SEED_STEP + number)
        except PromptRefused as refusal:
            row.store.refused[row.key] = str(refusal)
            raise

    def _note_refusal(self, row: RowAttempts) -> None:
        self.refused += 1
        if self.refused >= ALL_REFUSED and not self.answered:
            raise EndpointError(
                f"the server refused all of the first {self.refused} prompts; the last error: {row.refused}"
            )
