"""Settings of the update: loss, correction for engine mismatch, entropy controller, teacher and optimizer."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from or1_trainer.config.base import (
    AtLeastOne,
    AtLeastZero,
    Fraction,
    FractionBelowOne,
    NonNegative,
    Positive,
    PositiveFraction,
    Settings,
)


class LossSettings(Settings, frozen=True, kw_only=True):
    """The policy loss. Defaults: eq. 3.1 of Skywork-OR1 (arXiv 2505.22312), a clipped ratio without KL penalty."""

    kind: Literal["clipped", "gspo", "cispo", "clip_cov", "kl_cov"] = "clipped"
    """Surrogate objective; each is a function of `algorithm/losses.py`."""
    aggregate: Literal["token", "sequence", "constant"] = "token"
    """Mean over all tokens of the batch; mean over sequences (GSPO); or a sum divided by a constant length (Dr. GRPO,
    with `normalize_std = false`)."""
    clip_low: Annotated[float, Meta(gt=0, lt=1)] = 0.2
    """The ratio is clipped to [1 - clip_low, 1 + clip_high]."""
    clip_high: Positive = 0.2
    """Upper bound; above `clip_low` it is clip-higher (DAPO, arXiv 2503.14476)."""
    reuse: AtLeastOne = 1
    """Passes over each rollout batch (N_reuse of eq. 4.1)."""
    advantage_mask: Literal["none", "before", "after"] = "none"
    """Truncated responses: count like all others; are left out of the group's mean and deviation (before); or get
    advantage 0 once these are computed (after)."""
    reject_zero_advantage: bool = True
    """Leave groups out of training whose rewards are all equal."""
    normalize_std: bool = True
    """Divide advantages by the standard deviation of the group's rewards."""
    kl_beta: NonNegative = 0.0
    """Weight of the k3 estimate of KL(policy || initial policy); Skywork-OR1's ablation 5 uses 1e-3."""
    overlong_buffer_tokens: AtLeastZero = 0
    """Width, in tokens below the limit, of DAPO's soft penalty on long responses (arXiv 2503.14476, eq. 13); 0: no
    penalty, as in Skywork-OR1."""
    covariance_share: PositiveFraction = 2e-3
    """Fraction of tokens that `clip_cov` and `kl_cov` treat (arXiv 2505.22617)."""
    covariance_beta: NonNegative = 1.0
    """Weight of the KL penalty of `kl_cov`."""


class MismatchSettings(Settings, frozen=True, kw_only=True):
    """Correction for the difference between the engine's log-probs and the trainer's (docs/rollouts.md)."""

    correction: Literal["auto", "none", "token_tis", "sequence_mask", "geometric_mask", "icepop"] = "auto"
    """Weight of a token whose log-prob differs between trainer and engine; the table in docs/rollouts.md has the
    formulas."""
    proximal: Literal["auto", "trainer", "engine"] = "auto"
    """Denominator of the clipped ratio: the trainer's log-probs before the update, with `correction` for the engine's
    (decoupled); or the engine's log-probs (coupled, no correction). Auto: coupled for asynchronous rollouts with
    `correction = "auto"`, else decoupled."""
    tis_cap: Positive = 2.0
    """Of `token_tis`: largest weight."""
    sequence_cap: Positive = 3.0
    """Of `sequence_mask`: largest ratio of a sequence that is kept."""
    geometric_low: Positive = 0.99
    """Of `geometric_mask`: smallest mean ratio of a sequence that is kept."""
    geometric_high: Positive = 1.01
    """Of `geometric_mask`: largest mean ratio of a sequence that is kept."""
    icepop_low: Positive = 0.5
    """Of `icepop`: smallest ratio of a token that is kept."""
    icepop_high: Positive = 5.0
    """Of `icepop`: largest ratio of a token that is kept."""


class EntropySettings(Settings, frozen=True, kw_only=True):
    """Adaptive entropy control (Skywork-OR1, eq. 3.2)."""

    mode: Literal["adaptive", "constant", "off"] = "adaptive"
    """`adaptive`: the coefficient moves by `delta`. `constant`: it stays at `initial`. `off`: no bonus."""
    target: NonNegative = 0.2
    """Nats per token; the entropy bonus is active while the policy's entropy is at or below it."""
    delta: NonNegative = 0.005
    """Change of the coefficient per step."""
    initial: NonNegative = 0.0
    """Coefficient at the first step, and at every step with `mode = "constant"`."""
    maximum: NonNegative = 1.0
    """Upper bound of the coefficient. The paper states none; the released code uses 0.005."""
    gate: Literal["same_step", "previous_step"] = "same_step"
    """Entropy that is compared with the target: that of the current batch, with <= (the paper); or that of the batch
    before, with < (the released code, whose first step is active)."""


class DistillSettings(Settings, frozen=True, kw_only=True):
    """On-policy distillation: a teacher's log-probs of the tokens that the policy sampled (docs/rewards.md)."""

    beta: NonNegative = 0.0
    """Weight of the reverse KL, KL(policy || teacher) per token, in the loss; 0: no teacher."""
    teacher: str = ""
    """Hugging Face folder of the teacher, which has the policy's tokenizer; it is loaded on every rank."""
    servers: tuple[str, ...] = ()
    """Instead: URLs of `vllm serve` processes that have the teacher."""
    dtype: Literal["float32", "bfloat16", "float64"] = "float32"
    """Of a teacher in a folder."""


class OptimizerSettings(Settings, frozen=True, kw_only=True):
    """AdamW. Learning rate of Skywork-OR1 (arXiv 2505.22312); betas, decay and clipping of its released code.

    The learning rate is a function of the number of optimizer steps taken (`algorithm/schedule.py`); with warmup the
    first step has a rate above 0.
    """

    lr: Positive = 1e-6
    """Learning rate."""
    beta1: FractionBelowOne = 0.9
    """Decay of the first moment."""
    beta2: FractionBelowOne = 0.999
    """Decay of the second moment."""
    eps: NonNegative = 1e-8
    """Added to the denominator."""
    weight_decay: NonNegative = 0.01
    """Decoupled weight decay."""
    max_grad_norm: Positive = 1.0
    """A gradient with a larger L2 norm is scaled down to it."""
    max_skipped_steps: AtLeastOne = 5
    """An optimizer step whose gradient is not finite is skipped. So many steps of the run in a row with nothing but
    skipped optimizer steps end the run with an error."""
    offload: bool = False
    """Keep master weights and moments in host memory between optimizer steps (on CUDA): 12 bytes per parameter, over
    tensor and data ranks, are free for the engine and for activations. Costs two copies over the bus per step."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the rate changes after the warmup."""
    warmup_steps: AtLeastZero = 0
    """Optimizer steps until the full rate; with W of them the first has 1/W of it."""
    decay_steps: AtLeastZero = 0
    """Optimizer steps until the decay ends; 0: those of all stages."""
    final_share: Fraction = 0.0
    """Learning rate after a `linear` or `cosine` decay, as a fraction of `lr`."""
