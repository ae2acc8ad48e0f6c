"""A run put together: everything that the loop uses and that is no part of the run's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from or1_rollout.engine import Engine
from or1_trainer.algorithm.packing import Sample
from or1_trainer.config.schema import RunConfig
from or1_trainer.live.view import LiveView
from or1_trainer.metrics.alarms import AlarmMonitor
from or1_trainer.metrics.log import MetricsLog
from or1_trainer.metrics.opentelemetry import SpanExporter
from or1_trainer.metrics.rollout_log import RolloutLog
from or1_trainer.metrics.sinks import Sink
from or1_trainer.metrics.spans import SpanLog
from or1_trainer.policy.parallel import Runtime
from or1_trainer.rewards.scoring import Scoring
from or1_trainer.train.dataset import Dataset
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.learner import Learner
from or1_trainer.train.prompts import PromptEncoder
from or1_trainer.train.verify import Verifier


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What the loop works with. Logs exist on rank 0 only; the view shows something there only."""

    config: RunConfig
    folder: Path
    runtime: Runtime
    learner: Learner
    fleet: Fleet
    verifier: Verifier
    scoring: Scoring
    teacher: Engine | None
    """Of on-policy distillation."""
    prompts: PromptEncoder
    dataset: Dataset
    chat_rows: Mapping[int, Sequence[Sample]]
    """Stage -> its rows, for stages of supervised fine-tuning."""
    metrics: MetricsLog | None
    rollouts: RolloutLog | None
    sinks: Sequence[Sink]
    alarms: AlarmMonitor
    view: LiveView
    spans: SpanLog
    exporter: SpanExporter | None
    """To OpenTelemetry, where the recipe wants it."""

    def close(self) -> None:
        """Close the engines, the rewards, the verifier and the exporter."""
        for part in (self.exporter, self.scoring, self.verifier, self.teacher, self.fleet):
            if part is not None:
                part.close()
