"""A run put together: everything that the loop holds while it runs and that is no part of the run's state."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from or1_data.schema import Problem
from or1_trainer.config.schema import RunConfig
from or1_trainer.live.view import LiveView
from or1_trainer.metrics.alarms import AlarmMonitor
from or1_trainer.metrics.log import MetricsLog
from or1_trainer.metrics.rollout_log import RolloutLog
from or1_trainer.metrics.sinks import Sink
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.learner import Learner
from or1_trainer.train.prompts import PromptEncoder
from or1_trainer.train.sampler import Remaining


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What the loop works with. Logs and view exist on rank 0 only."""

    config: RunConfig
    folder: Path
    runtime: Runtime
    learner: Learner
    fleet: Fleet
    prompts: PromptEncoder
    train: Sequence[Problem]
    remaining: Remaining
    """Of `train`."""
    heldout: Sequence[Problem]
    metrics: MetricsLog | None
    rollouts: RolloutLog | None
    sinks: Sequence[Sink]
    alarms: AlarmMonitor
    view: LiveView


@dataclass(slots=True)
class PhaseClock:
    """Wall time of the phases of one step, and of what lies between them."""

    started: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `time/<name>_s`."""
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def metrics(self) -> dict[str, float]:
        """`time/*_s`; `other` is the loop's own overhead."""
        total = time.perf_counter() - self.started
        other = total - sum(self.seconds.values())
        return {f"time/{name}_s": value for name, value in {**self.seconds, "other": other, "step": total}.items()}
