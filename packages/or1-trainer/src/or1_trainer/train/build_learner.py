"""Policy, optimizer and reference of a recipe on this rank, with the weights of a Hugging Face folder."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoConfig

from or1_trainer.algorithm.mismatch import resolve_mismatch
from or1_trainer.algorithm.schedule import Schedule, optimizer_steps
from or1_trainer.config.schema import RunConfig
from or1_trainer.policy.hf_weights.weights import load_hf_weights
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.parallel import Runtime
from or1_trainer.train.learner import Learner


def build_learner(config: RunConfig, model_path: Path, runtime: Runtime) -> Learner:
    """Policy and optimizer on this rank, with the weights of `model_path`."""
    policy = _policy(config, model_path, runtime)
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
        reference=_reference(config, model_path, runtime),
    )


def _schedule(config: RunConfig) -> Schedule:
    settings = config.optimizer
    return Schedule(
        kind=settings.schedule,
        warmup_steps=settings.warmup_steps,
        decay_steps=settings.decay_steps or optimizer_steps(config.stages, config.loss.reuse),
        final_share=settings.final_share,
    )


def _policy(config: RunConfig, model_path: Path, runtime: Runtime) -> Policy:
    policy = build_policy(
        AutoConfig.from_pretrained(model_path),
        runtime,
        dtype=getattr(torch, config.model.dtype),
        recompute=config.batch.recompute,
        sequence_parallel=config.parallel.sequence,
    )
    load_hf_weights(policy, model_path)
    return policy


def _reference(config: RunConfig, model_path: Path, runtime: Runtime) -> Policy | None:
    """The policy the run began with, frozen, where the loss has a KL term; no second model otherwise."""
    if not config.loss.kl_beta:
        return None
    reference = _policy(config, model_path, runtime)
    reference.model.requires_grad_(requires_grad=False)
    return reference
