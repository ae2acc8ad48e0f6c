"""The policy with everything that changes it, on one rank, and how a recipe builds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from or1_trainer.algorithm.mismatch import resolve_mismatch
from or1_trainer.algorithm.packing import PackedBatch, Sample, microbatches, pack
from or1_trainer.algorithm.schedule import Schedule, optimizer_steps
from or1_trainer.config.schema import BatchSettings, LossSettings, MismatchSettings, RunConfig
from or1_trainer.policy.hf_weights.weights import PolicyWeights, load_hf_weights
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.optimizer.interface import Optimizer
from or1_trainer.policy.parallel import Runtime
from or1_trainer.policy.token_stats import TokenStats, token_stats


@dataclass(frozen=True, kw_only=True, eq=False)
class Learner:
    """Policy, optimizer and the settings of the loss."""

    policy: Policy
    optimizer: Optimizer
    lr: float
    schedule: Schedule = field(default_factory=Schedule)
    runtime: Runtime
    loss: LossSettings
    batch: BatchSettings
    temperature: float
    mismatch: MismatchSettings = field(default_factory=lambda: MismatchSettings(correction="none", proximal="trainer"))
    """Resolved by `algorithm.mismatch.resolve_mismatch`: no value is "auto"."""
    distill_beta: float = 0.0
    """Weight of the reverse KL to a teacher."""
    reference: Policy | None = None
    """The policy the run began with, frozen, where the loss has a KL term; no second model otherwise."""

    @cached_property
    def weights(self) -> PolicyWeights:
        """The policy's weights under their Hugging Face names."""
        return PolicyWeights(self.policy)

    def stats(
        self,
        batch: PackedBatch,
        *,
        temperature: float | None = None,
        policy: Policy | None = None,
        with_entropy: bool = True,
    ) -> TokenStats:
        """Log-probs and exact entropy of the response tokens, at the rollout temperature if none is given."""
        return token_stats(
            policy or self.policy,
            batch,
            temperature=self.temperature if temperature is None else temperature,
            chunk_tokens=self.batch.chunk_tokens,
            with_entropy=with_entropy,
        )

    def step(self, lr: float = 0.0) -> float:
        """Update the weights at the rate that the schedule makes of `lr`, or of the recipe's where that is 0.

        Returns the gradient norm before clipping.
        """
        return self.optimizer.step(self.schedule.rate(lr or self.lr, self.optimizer.steps))

    def last_rate(self, lr: float = 0.0) -> float:
        """Rate of the last optimizer step, made of `lr` as in `step`; 0 before any."""
        steps = self.optimizer.steps
        return self.schedule.rate(lr or self.lr, steps - 1) if steps else 0.0

    def packed(self, samples: Sequence[Sample]) -> list[PackedBatch]:
        """This rank's samples in micro-batches under the token budget."""
        bins = microbatches(samples, self.batch.microbatch_tokens)
        device, dtype = self.runtime.device, self.wide_dtype
        return [pack([samples[index] for index in bin_], device=device, dtype=dtype) for bin_ in bins]

    @property
    def wide_dtype(self) -> torch.dtype:
        """The dtype of advantages and log-probs: at least float32, whatever the weights are."""
        return torch.float64 if self.policy.dtype == torch.float64 else torch.float32


def build_learner(config: RunConfig, hf_config: Any, weights: Path | Mapping[str, Tensor], runtime: Runtime) -> Learner:
    """The learner of a recipe on this rank: a model of a `transformers` config, with weights by name or in a folder."""
    settings = config.optimizer
    policy = _policy(config, hf_config, weights, runtime)
    optimizer = build_optimizer(policy, settings)
    reference = _policy(config, hf_config, weights, runtime) if config.loss.kl_beta else None
    if reference is not None:
        reference.model.requires_grad_(requires_grad=False)
    return Learner(
        policy=policy,
        optimizer=optimizer,
        lr=settings.lr,
        schedule=Schedule(
            kind=settings.schedule,
            warmup_steps=settings.warmup_steps,
            decay_steps=settings.decay_steps or optimizer_steps(config.stages, config.loss.reuse),
            final_share=settings.final_share,
        ),
        runtime=runtime,
        loss=config.loss,
        batch=config.batch,
        temperature=config.rollout.temperature,
        mismatch=resolve_mismatch(config.mismatch, engine=config.rollout.engine, ahead=config.rollout.ahead),
        distill_beta=config.distill.beta,
        reference=reference,
    )


def _policy(config: RunConfig, hf_config: Any, weights: Path | Mapping[str, Tensor], runtime: Runtime) -> Policy:
    policy = build_policy(
        hf_config,
        runtime,
        dtype=getattr(torch, config.model.dtype),
        recompute=config.batch.recompute,
        sequence_parallel=config.parallel.sequence,
    )
    load_hf_weights(policy, weights)
    return policy
