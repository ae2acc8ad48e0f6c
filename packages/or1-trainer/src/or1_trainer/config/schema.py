"""`RunConfig`: all settings of a run, in nested frozen structs. A recipe is a TOML file with the same sections.

The sections on ranks, micro-batches, evaluation, checkpoints and logs are here, the others in modules of their own.
Defaults are those of Skywork-OR1 (arXiv 2505.22312) wherever it gives a value. Unknown keys are errors (`load.py`).
"""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import AtLeastOne, AtLeastZero, Fraction, NonNegative, Positive, Settings
from or1_trainer.config.loss import DistillSettings, EntropySettings, LossSettings, MismatchSettings, OptimizerSettings
from or1_trainer.config.problems import (
    ArithmeticSettings,
    DataSettings,
    LetteredSettings,
    ModelSettings,
    WarmStartSettings,
)
from or1_trainer.config.rewards import Reward, RewardSettings
from or1_trainer.config.rollout import EnvironmentSettings, RolloutSettings, StageSettings
from or1_trainer.config.sources import SamplerSettings, SourceSettings

__all__ = [
    "ArithmeticSettings",
    "BatchSettings",
    "CheckpointSettings",
    "DataSettings",
    "EntropySettings",
    "EnvironmentSettings",
    "LetteredSettings",
    "LossSettings",
    "MismatchSettings",
    "OptimizerSettings",
    "ParallelSettings",
    "RewardSettings",
    "RunConfig",
    "SamplerSettings",
    "Settings",
    "SourceSettings",
    "StageSettings",
    "WarmStartSettings",
    "WatchSettings",
]


class ParallelSettings(Settings, frozen=True, kw_only=True):
    """How the processes (ranks) divide the work."""

    tensor: AtLeastOne = 1
    """Ranks that share one copy of the weights (tensor parallelism)."""
    data: AtLeastZero = 0
    """Copies of the weights (data parallelism); 0: all processes divided by `tensor`."""
    sequence: bool = False
    """Sequence parallelism: tensor ranks also divide the tokens between attention and feed-forward layers."""
    timeout_s: Positive = 1800.0
    """How long a rank waits for the others in a collective operation."""


class BatchSettings(Settings, frozen=True, kw_only=True):
    """Packing of sequences into micro-batches."""

    microbatch_tokens: AtLeastOne = 16384
    """Most tokens of a micro-batch; only a single longer sequence exceeds it."""
    chunk_tokens: AtLeastOne = 8192
    """Tokens whose logits are in memory at the same time."""
    recompute: bool = False
    """Store only the inputs of layers, and compute each layer again in the backward pass: a third more computation,
    less memory."""


class EvalSettings(Settings, frozen=True, kw_only=True):
    """Held-out avg@k: before training, every `every` steps, and at the end."""

    k: AtLeastOne = 16
    """Samples per held-out problem."""
    every: AtLeastZero = 20
    """Steps between evaluations; 0: only before and after training."""
    temperature: NonNegative = 1.0
    """Temperature of the evaluation’s samples."""
    context_tokens: AtLeastZero = 0
    """Longest response; 0: that of the last stage."""


class CheckpointSettings(Settings, frozen=True, kw_only=True):
    """Checkpoints from which a run resumes exactly."""

    every: AtLeastZero = 20
    """Steps between checkpoints; 0: only after the last step."""
    keep: AtLeastOne = 2
    """How many of the newest checkpoints to keep."""
    keep_best: AtLeastZero = 1
    """How many to keep in addition for the best held-out avg@k, among those written at an evaluation."""


class WatchSettings(Settings, frozen=True, kw_only=True):
    """What is logged for people."""

    rollout_share: Fraction = 0.25
    """Fraction of each step's groups whose texts are kept in `rollouts/`."""
    token_groups: AtLeastZero = 1
    """Of these, groups per step that are kept token by token: log-probs of engine and policy, entropy, ratio. Those
    that are trained on come first."""
    profile_steps: tuple[AtLeastOne, ...] = ()
    """Steps (counted from 1) of which every rank writes a torch.profiler trace to `trace/`."""
    opentelemetry: bool = False
    """Send a span per step, with its phases and engine requests, to the collector that OTEL_EXPORTER_OTLP_ENDPOINT
    names; needs the extra `opentelemetry`."""
    sinks: tuple[Literal["tensorboard", "wandb"], ...] = ()
    """Where the rows of `metrics.jsonl` are sent as well; each needs the extra of the same name."""


class RunConfig(Settings, frozen=True, kw_only=True):
    """All settings of one run."""

    name: str
    """Name of the run; the run folder is named after it."""
    stages: tuple[StageSettings, ...]
    seed: AtLeastZero = 0
    """Seed of everything that is drawn: problems, samples, shuffles."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Auto: CUDA where there is a GPU."""
    model: ModelSettings = ModelSettings()
    warm_start: WarmStartSettings = WarmStartSettings()
    data: DataSettings = DataSettings()
    rollout: RolloutSettings = RolloutSettings()
    environment: EnvironmentSettings = EnvironmentSettings()
    reward: RewardSettings = RewardSettings()
    rewards: tuple[Reward, ...] = ()
    """What responses earn; empty: the verifier alone."""
    loss: LossSettings = LossSettings()
    distill: DistillSettings = DistillSettings()
    mismatch: MismatchSettings = MismatchSettings()
    entropy: EntropySettings = EntropySettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    parallel: ParallelSettings = ParallelSettings()
    batch: BatchSettings = BatchSettings()
    eval: EvalSettings = EvalSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    watch: WatchSettings = WatchSettings()
