"""Rollouts for later steps while this one trains, as far ahead as the recipe admits (`rollout.ahead`).

With `ahead` = S the batch of step k is sampled from weight version max(fence, k - S): batch k + S begins when version
k is in the engine, never earlier (admission control), and no batch is ever thrown away for being old. A fence is a
step before which nothing may be in flight: the start of a stage (its filter looks at the whole stage before) and the
step after a checkpoint. So a checkpoint holds no half-done work, a resumed run samples what the killed one would
have, and which weights sampled a batch depends on the configuration alone. A stage that ends by itself ends behind
what is in flight; a batch that is refilled is, all its rounds together, one piece of work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec.structs import replace

from or1_trainer.algorithm.groups import Group
from or1_trainer.train.job import Job, PhaseClock
from or1_trainer.train.refill import Batch, Draw, filled
from or1_trainer.train.rollout_batch import draw_batch, roll_out, score
from or1_trainer.train.stages import Ended, Position, is_due, position_at
from or1_trainer.train.state import RunState
from or1_trainer.train.weight_sync import Probe, push_of

Result = TypeVar("Result")


def may_begin(job: Job, position: Position, step: int, ended: Ended) -> bool:
    """Whether the batch of `step` may be sampled while `position` trains: no fence lies between, and it exists."""
    later = position_at(job.config.stages, step, ended)
    if later is None or later.stage_index != position.stage_index:
        return False
    return not any(is_due(s, job.config.checkpoint.every) for s in range(position.step + 1, step + 1))


@dataclass(slots=True, eq=False)
class Rollouts:
    """The engine's work in its order: batches and pushes, in this thread or (ahead > 0) in one of their own."""

    job: Job
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "or1-rollouts"))
    _batches: deque[Future[tuple[Batch, RunState]]] = field(default_factory=deque)
    _pushes: list[Future[None]] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        """Batches of later steps that have begun."""
        return len(self._batches)

    def batch(self, position: Position, state: RunState, clock: PhaseClock) -> tuple[Batch, RunState]:
        """This step's groups, refilled where the recipe says so; with `ahead`, later batches begin that may."""
        ahead = self.job.config.rollout.ahead
        if not ahead:
            return self._filled(position, state, lambda number, before: self._now(position, before, clock, number))
        if not self._batches:
            self._begin(position, position.step, state)
        with clock.phase("rollout"), self.job.view.phase("rollout"):
            batch, drawn = self._batches.popleft().result()
        state = replace(state, epoch=drawn.epoch, taken=drawn.taken)
        for step in range(position.step + 1 + self.in_flight, position.step + 1 + ahead):
            if not may_begin(self.job, position, step, state.ended):
                break
            self._begin(position, step, state)
        return batch, state

    def push(self, probe: Probe, version: int) -> None:
        """New weights into the engine, behind the batches that were begun before.

        More than one step ahead the weights wait as a copy in the host's memory, and training goes on.
        """
        ahead = self.job.config.rollout.ahead
        push = push_of(self.job.learner, probe, version=version, copy=ahead > 1)
        if ahead > 1:
            self._pushes.append(self._thread.submit(self._in_turn, lambda: push.send(self.job.fleet)))
            return
        self.settle()
        push.send(self.job.fleet)

    def settle(self) -> None:
        """Wait until the engine is idle; raise what a push came to."""
        for batch in self._batches:
            batch.exception()  # it is raised where the batch is used
        for push in self._pushes:
            push.result()
        self._pushes.clear()

    def close(self) -> None:
        """Drop what was not begun and wait for the rest."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self, position: Position, step: int, state: RunState) -> None:
        """Its problems are those behind the ones of the batch before it, which may still be on its way."""
        previous = self._batches[-1] if self._batches else None

        def one(number: int, before: RunState) -> tuple[list[Group], RunState]:
            drawn, after = draw_batch(self.job, position.stage, step, before, number)
            return score(self.job, drawn, roll_out(self.job, drawn)), after

        def work() -> tuple[Batch, RunState]:
            return self._filled(position, state if previous is None else previous.result()[1], one)

        self._batches.append(self._thread.submit(self._in_turn, work))

    def _filled(self, position: Position, state: RunState, draw: Draw) -> tuple[Batch, RunState]:
        return filled(state, prompts=position.stage.prompts, rounds=self.job.config.rollout.refill, draw=draw)

    def _in_turn(self, work: Callable[[], Result]) -> Result:
        """Nothing runs behind a push that failed: its samples would come from stale weights."""
        for push in self._pushes:
            if push.done():
                push.result()
        return work()

    def _now(
        self, position: Position, state: RunState, clock: PhaseClock, number: int = 0
    ) -> tuple[list[Group], RunState]:
        """Batch `number` of this step, from problem to verdict."""
        with clock.phase("draw"):
            drawn, state = draw_batch(self.job, position.stage, position.step, state, number)
        with clock.phase("rollout"), self.job.view.phase("rollout", total=len(drawn.problems)) as progress:
            completions_PG = roll_out(self.job, drawn, lambda: progress.advance(1))
        with clock.phase("verify"), self.job.view.phase("verify"):
            return score(self.job, drawn, completions_PG), state
