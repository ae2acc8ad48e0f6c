"""Rollouts for later steps while this one trains, as far ahead as `rollout.ahead` allows.

With `ahead` = S the batch of step k is sampled from weight version max(fence, k - S): batch k + S begins when version
k is in the engine, never earlier, and no batch is thrown away for being old. A fence is a step before which nothing
may be in flight: the start of a stage (its filter looks at the whole stage before) and the step after a checkpoint. So
a checkpoint holds no unfinished work, a resumed run samples what the killed one would have, and which weights sampled
a batch depends on the configuration alone. A stage that ends early ends behind the batches in flight; a batch that is
refilled is one piece of work, with all its rounds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from or1_trainer.algorithm.packing import Sample
from or1_trainer.live.view import LiveView
from or1_trainer.train.job import Job
from or1_trainer.train.stages import Ended, Position, is_due, position_at
from or1_trainer.train.state import RunState, behind_draw
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.training_batch import TrainingBatch, training_batch
from or1_trainer.train.weight_sync import snapshot_weights

Result = TypeVar("Result")


def may_begin(job: Job, position: Position, step: int, ended: Ended) -> bool:
    """Whether the batch of `step` may be sampled while `position` trains: no fence lies between, and it exists."""
    later = position_at(job.config.stages, step, ended)
    if later is None or later.stage_index != position.stage_index:
        return False
    return not any(is_due(s, job.config.checkpoint.every) for s in range(position.step + 1, step + 1))


@dataclass(slots=True, eq=False)
class Rollouts:
    """The engine's work in its order: batches and weight syncs, in this thread or (ahead > 0) in one of their own."""

    job: Job
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "or1-rollouts"))
    _batches: deque[Future[tuple[TrainingBatch, RunState]]] = field(default_factory=deque)
    _syncs: list[Future[None]] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        """Batches of later steps that have begun."""
        return len(self._batches)

    def batch(self, position: Position, state: RunState, times: StepTimes) -> tuple[TrainingBatch, RunState]:
        """This step's batch; with `ahead`, also begin the later ones that may begin."""
        ahead = self.job.config.rollout.ahead
        if not ahead:
            return training_batch(self.job, position, state, times)
        if not self._batches:
            self._begin(position, state)
        with times.phase("rollout"):
            batch, drawn = self._batches.popleft().result()
        state = behind_draw(state, drawn)
        for step in range(position.step + 1 + self.in_flight, position.step + 1 + ahead):
            if not may_begin(self.job, position, step, state.ended):
                break
            self._begin(replace(position, step=step, is_stage_start=False), state)
        return batch, state

    def sync_weights(self, probe: Sample, version: int) -> None:
        """Send the new weights to the engine, behind the batches that were begun before.

        More than one step ahead the weights wait as a copy in the host's memory, and training goes on. With partial
        rollouts they come between two pieces of the responses that are being sampled.
        """
        ahead, is_partial = self.job.config.rollout.ahead, self.job.config.rollout.piece_tokens > 0
        snapshot = snapshot_weights(self.job.learner, probe, version=version, copy=ahead > 1 or is_partial)
        if is_partial:
            self.job.fleet.engine.between_pieces(lambda: snapshot.send(self.job.fleet))
            return
        if ahead > 1:
            self._syncs.append(self._thread.submit(self._in_turn, lambda: snapshot.send(self.job.fleet)))
            return
        self.settle()
        snapshot.send(self.job.fleet)

    def settle(self) -> None:
        """Wait until the engine is idle; raise the error of a weight sync that failed."""
        for batch in self._batches:
            batch.exception()  # it is raised where the batch is used
        for sync in self._syncs:
            sync.result()
        self._syncs.clear()

    def close(self) -> None:
        """Drop the work that has not begun and wait for the rest."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self, position: Position, state: RunState) -> None:
        """Roll out a batch in the thread; its problems are those behind the ones of the batch before it."""
        previous = self._batches[-1] if self._batches else None

        def work() -> tuple[TrainingBatch, RunState]:
            before = state if previous is None else previous.result()[1]
            return training_batch(self.job, position, before, StepTimes(LiveView(0, enabled=False), self.job.spans))

        self._batches.append(self._thread.submit(self._in_turn, work))

    def _in_turn(self, work: Callable[[], Result]) -> Result:
        """Nothing runs behind a weight sync that failed: its samples would come from stale weights."""
        for sync in self._syncs:
            if sync.done():
                sync.result()
        return work()
