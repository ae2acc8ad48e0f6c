"""Policy, optimizer and reference of a recipe on this rank, with the weights of a Hugging Face folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig

from or1_trainer.algorithm.mismatch import resolve_mismatch
from or1_trainer.algorithm.schedule import Schedule, optimizer_steps
from or1_trainer.config.schema import RunConfig
from or1_trainer.policy.hf_weights.weights import load_hf_weights
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.learner import Learner


def load_learner(config: RunConfig, model_path: Path, runtime: Runtime) -> Learner:
    """Policy and optimizer on this rank, with the weights of the folder `model_path`."""
    return build_learner(config, AutoConfig.from_pretrained(model_path), model_path, runtime)


def build_learner(config: RunConfig, hf_config: Any, weights: Path | Mapping[str, Tensor], runtime: Runtime) -> Learner:
    """The same from a `transformers` config, and weights by name or in a folder."""
    policy = _policy(config, hf_config, weights, runtime)
    return Learner(
        policy=policy,
        optimizer=build_optimizer(policy, config.optimizer),
        lr=config.optimizer.lr,
        schedule=_schedule(config),
        runtime=runtime,
        loss=config.loss,
        batch=config.batch,
        temperature=config.rollout.temperature,
        mismatch=resolve_mismatch(config.mismatch, engine=config.rollout.engine, ahead=config.rollout.ahead),
        distill_beta=config.distill.beta,
        reference=_reference(config, hf_config, weights, runtime),
    )


def _schedule(config: RunConfig) -> Schedule:
    settings = config.optimizer
    return Schedule(
        kind=settings.schedule,
        warmup_steps=settings.warmup_steps,
        decay_steps=settings.decay_steps or optimizer_steps(config.stages, config.loss.reuse),
        final_share=settings.final_share,
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


def _reference(
    config: RunConfig, hf_config: Any, weights: Path | Mapping[str, Tensor], runtime: Runtime
) -> Policy | None:
    """The policy the run began with, frozen, where the loss has a KL term; no second model otherwise."""
    if not config.loss.kl_beta:
        return None
    reference = _policy(config, hf_config, weights, runtime)
    reference.model.requires_grad_(requires_grad=False)
    return reference
