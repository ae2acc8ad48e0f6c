"""Settings of where a run goes: layout, micro-batches, evaluation, checkpoints, what is written for people."""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import AtLeastZero, NotNegative, Positive, Settings, Share


class ParallelSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Layout of the ranks; `data` 0 takes what is left of the world after `tensor`."""

    tensor: int = 1
    data: int = 0
    sequence: bool = False
    """Sequence parallel: between attention and feed-forward, the tokens are cut over the tensor ranks."""
    timeout_s: Positive = 1800.0
    """How long a rank waits for its peers in a collective."""


class BatchSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Packing: no micro-batch holds more tokens than this, unless one sequence alone does."""

    microbatch_tokens: int = 16384
    chunk_tokens: int = 8192
    """Tokens whose vocabulary row exists at one time in the output projection."""
    recompute: bool = False
    """Keep only the layers' inputs and run each layer again in the backward pass: a third more work, for long
    contexts."""


class EvalSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Held-out avg@k, before, every `every` steps, and after."""

    k: int = 16
    every: AtLeastZero = 20
    temperature: NotNegative = 1.0
    context_tokens: AtLeastZero = 0
    """Longest response while evaluating; 0 means the last stage's."""


class CheckpointSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exact checkpoints at step boundaries."""

    every: AtLeastZero = 20
    keep: int = 2
    """Newest checkpoints that stay."""
    keep_best: int = 1
    """Checkpoints that stay beside them for the best held-out avg@k, of those written at an evaluation."""


class WatchSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written for people."""

    rollout_share: Share = 0.25
    """Share of each step's groups whose texts are kept in `rollouts/`."""
    sinks: tuple[Literal["tensorboard", "wandb"], ...] = ()
    """Where the rows of `metrics.jsonl` go as well; each is an extra of this package."""
