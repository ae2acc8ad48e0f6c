"""Settings of the loss, its corrections, the entropy control and the optimiser."""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import Decay, NotNegative, Positive, Settings


class LossSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Eq. 3.1 by default: clipped ratio with its own lower and upper bound, one global token mean, no KL."""

    kind: Literal["clipped", "gspo", "cispo", "clip_cov", "kl_cov"] = "clipped"
    """The surrogate, `method/surrogates/`: MAGIC's, or one of the others that are known."""
    aggregate: Literal["token", "sequence", "constant"] = "token"
    """One mean over tokens; over sequences (GSPO); or by a constant length (Dr. GRPO, with `normalize_std = false`)."""
    clip_low: float = 0.2
    clip_high: float = 0.2
    reuse: int = 1
    """Passes over each rollout batch (N_reuse of eq. 4.1)."""
    advantage_mask: Literal["none", "before", "after"] = "none"
    """Truncated responses: full members (none), out of the group statistics (before), zeroed after them (after)."""
    reject_zero_advantage: bool = True
    normalize_std: bool = True
    kl_beta: float = 0.0
    """Weight of the k3 estimate of KL(policy || the policy the run began with); Ablation 5 has 1e-3."""
    overlong_buffer_tokens: int = 0
    """DAPO's soft punishment over the last so many tokens before the limit; 0: none, as in the paper."""
    covariance_share: float = 2e-3
    """Share of tokens that `clip_cov` and `kl_cov` hold back."""
    covariance_beta: NotNegative = 1.0
    """Weight of the KL penalty of `kl_cov`."""


class MismatchSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about the engine's log-probs differing from the trainer's (docs/rollouts.md)."""

    correction: Literal["auto", "none", "token_tis", "sequence_mask", "geometric_mask", "icepop"] = "auto"
    proximal: Literal["auto", "trainer", "engine"] = "auto"
    """The ratio is against the trainer's log-probs before the update, corrected towards the engine's (decoupled); or
    against the engine's own (coupled, no correction). Auto: coupled where rollouts run ahead and `correction` is auto
    too."""
    tis_cap: Positive = 2.0
    sequence_cap: Positive = 3.0
    geometric_low: Positive = 0.99
    geometric_high: Positive = 1.01
    icepop_low: Positive = 0.5
    icepop_high: Positive = 5.0


class EntropySettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Adaptive entropy control (eq. 3.2). The paper states no upper bound; the released code uses 0.005 for it."""

    mode: Literal["adaptive", "constant", "off"] = "adaptive"
    target: NotNegative = 0.2
    delta: NotNegative = 0.005
    initial: NotNegative = 0.0
    maximum: NotNegative = 1.0
    gate: Literal["same_step", "previous_step"] = "same_step"
    """Whose entropy opens the gate: this batch's, with <= (the paper), or the batch's before, with < (the released
    code, which starts open)."""


class OptimizerSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW; the released code's betas, decay and clipping (PAPER §9.2), constant rate.

    The rate is a function of the optimizer steps taken (`algorithm/schedule.py`); the first step's rate is not zero.
    """

    lr: float = 1e-6
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    eps: NotNegative = 1e-8
    weight_decay: NotNegative = 0.01
    max_grad_norm: NotNegative = 1.0
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: int = 0
    decay_steps: int = 0
    """Optimiser steps until the rate has fallen; 0: those of all stages."""
    final_share: float = 0.0
    """What is left of the rate in the end, for `linear` and `cosine`."""
    cpu_offload: bool = False
    """Master weights and moments in the host's memory (CUDA only)."""
