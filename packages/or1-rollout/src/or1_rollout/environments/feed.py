"""The turns that an engine may sample, as environments answer in threads of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace

from or1_rollout.turns import TurnRequest
from or1_rollout.types import Completion

Answer = Callable[[int, Completion], "TurnRequest | Completion"]
"""`answer(key, turn)`: the next turn of a response, or the complete response; works in a thread."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A turn whose answer is being worked on."""

    key: int
    due_step: int
    future: Future[TurnRequest | Completion]


class TurnFeed:
    """Fits `or1_rollout.turns.Feed`.

    With `lag_steps` the next turn enters the batch exactly so many decoding steps after the last one ended, however
    fast the environment was, and the engine waits for an environment that takes longer. Which rows are computed
    together, and with it every rounding, is then a function of the seeds alone: samples can be repeated bit by bit.
    Without it a turn enters as soon as it can.
    """

    def __init__(
        self,
        first: Sequence[TurnRequest],
        answer: Answer,
        threads: Executor,
        *,
        on_end: Callable[[int, Completion], None],
        lag_steps: int | None = None,
    ) -> None:
        """`first`: the first turns of all responses; `on_end` is called with each complete one, in `take`."""
        self._first, self._answer, self._threads, self._lag_steps = list(first), answer, threads, lag_steps
        self._on_end = on_end
        self._asked: list[_Asked] = []
        self._over: dict[int, int] = {}
        """Of each complete response the step in which its next turn would have been due."""
        self._is_paused = False
        self.waited_s = 0.0
        """Time that the engine stood still to wait for environments."""

    def take(self, step: int, *, wait: bool) -> list[TurnRequest]:
        """See `Feed.take`; nothing while it is paused, so that the engine returns.

        Raises what an environment raised.
        """
        if self._is_paused:
            return []
        turns, self._first = self._first, []
        turns += self._arrived(step)
        while wait and not turns and self._asked:
            turns += self._arrived(self._next_step(step))
        return turns

    def pause(self) -> None:
        """Give the engine nothing more, so that it returns when what it has is sampled; any thread may call it."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on, with an engine that counts its steps anew."""
        self._asked = [replace(asked, due_step=0) for asked in self._asked]
        self._is_paused = False

    @property
    def is_empty(self) -> bool:
        """Whether every response is complete."""
        return not (self._first or self._asked)

    def put(self, key: int, completion: Completion, step: int) -> None:
        """See `Feed.put`."""
        future = self._threads.submit(self._answer, key, completion)
        self._asked.append(_Asked(key, step + (self._lag_steps or 0), future))

    def is_over(self, key: int, step: int) -> bool:
        """See `Feed.is_over`; with `lag_steps` it does not depend on how fast the environment was."""
        return key in self._over and self._over[key] <= step

    def _arrived(self, step: int) -> list[TurnRequest]:
        """Turns that are due, in the order in which they were asked for; what is complete is reported at once."""
        turns: list[TurnRequest] = []
        left: list[_Asked] = []
        for asked in self._asked:
            is_due = asked.future.done() if self._lag_steps is None else asked.due_step <= step
            if is_due:
                self._wait([asked])
            answer = asked.future.result() if asked.future.done() else None
            if isinstance(answer, Completion):
                self._over[asked.key] = asked.due_step
                self._on_end(asked.key, answer)
            elif is_due and answer is not None:
                turns.append(answer)
            else:
                left.append(asked)
        self._asked = left
        return turns

    def _next_step(self, step: int) -> int:
        """Wait until an answer can arrive; the step in which it does."""
        if self._lag_steps is not None:
            return max(step, min(asked.due_step for asked in self._asked))
        self._wait(self._asked)
        return step

    def _wait(self, several: Sequence[_Asked]) -> None:
        """Wait until one of them is answered."""
        started_s = time.monotonic()
        wait([asked.future for asked in several], return_when=FIRST_COMPLETED)
        self.waited_s += time.monotonic() - started_s
