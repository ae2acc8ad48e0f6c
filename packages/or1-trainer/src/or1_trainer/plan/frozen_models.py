"""Models beside the policy that lie on the GPUs and are not trained: a teacher, reward models."""

from __future__ import annotations

from or1_trainer.config.rewards import ModelReward
from or1_trainer.config.schema import RunConfig
from or1_trainer.plan.read_shape import read_model_config
from or1_trainer.plan.shape import FAMILIES, Shape

BYTES = {"bfloat16": 2, "float32": 4, "float64": 8}


def frozen_models(config: RunConfig) -> dict[str, float | None]:
    """Name -> GB of its weights on every GPU, where it lies whole; None for a family of another shape."""
    found: dict[str, float | None] = {}
    if config.distill.beta and not config.distill.servers:
        found["teacher"] = _gb(config.distill.teacher, config.distill.dtype)
    for reward in config.rewards:
        if isinstance(reward, ModelReward) and reward.device != "cpu":
            found[f"reward {reward.label}"] = _gb(reward.path, reward.dtype)
    return found


def frozen_gb(config: RunConfig) -> float:
    """GB of all whose size is known."""
    return sum(size for size in frozen_models(config).values() if size is not None)


def not_counted(config: RunConfig) -> list[str]:
    """What a recipe has that takes a GPU's memory or a step's time, and that neither `plan` nor `rehearse` counts."""
    frozen = frozen_models(config)
    unknown = [name for name, size in frozen.items() if size is None]
    found = [f"the size of the {name}, whose family is not one of {', '.join(FAMILIES)}" for name in unknown]
    if frozen:
        found.append(f"the forward passes of {', '.join(frozen)}: their time and their activations")
    if config.rewards:
        found.append("the time of the recipe's own rewards")
    if config.rollout.refill:
        found.append(f"rollout.refill: up to {config.rollout.refill} more rounds of rollouts; updates are not larger")
    return found


def _gb(path: str, dtype: str) -> float | None:
    keys = read_model_config(path)
    if keys.get("model_type") not in FAMILIES:
        return None
    return Shape.of(keys).parameters * BYTES[dtype] / 1e9
