"""A recipe's settings divided until a CPU runs them in minutes; every other setting stays as it is.

vLLM or its servers become the embedded engine; bfloat16, the device and the layout become float32, CPU, one process;
problem files become generated sums, which a random model guesses now and then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from msgspec import to_builtins
from msgspec.structs import replace

from or1_trainer.config.load import resolve
from or1_trainer.config.schema import ArithmeticSettings, DataSettings, RunConfig, StageSettings

STAGE: Final = {
    "steps": (100, 1),
    "context_tokens": (512, 8),
    "mini_prompts": (16, 2),
    "prompts": (16, 2),
    "group": (4, 2),
}
"""Settings of a stage: divided by, at least. A 0 stays."""
REST: Final = {
    "batch.microbatch_tokens": (512, 64),
    "batch.chunk_tokens": (512, 8),
    "eval.k": (4, 2),
    "eval.every": (10, 1),
    "eval.context_tokens": (512, 8),
    "checkpoint.every": (10, 1),
}
FIXED: Final = {
    "device": "cpu",
    "model.dtype": "float32",
    "rollout.engine": "transformers",
    "rollout.servers": (),
    "rollout.vllm.tensor": 1,
    "parallel.tensor": 1,
    "parallel.data": 0,
}
PROBLEMS: Final = ArithmeticSettings(train=64, heldout=4, min_terms=2, max_terms=2, max_digits=1)
"""A random policy must be right now and then, else no group has an advantage and nothing is learnt from."""


def scaled_down(config: RunConfig) -> RunConfig:
    """The same run, small. `model.path` stays: see `scaled_model`."""
    sampler = replace(config.data.sampler, least=0.0, most=1.0)  # generated problems have no known solve rates
    small = replace(
        config,
        name=f"{config.name}-scaled-down",
        stages=tuple(_stage(stage) for stage in config.stages),
        data=DataSettings(template=config.data.template, arithmetic=PROBLEMS, sampler=sampler),
    )
    return resolve(to_builtins(small), [*_divided(config, REST), *FIXED.items()])


def changes(before: RunConfig, after: RunConfig) -> list[str]:
    """What was scaled, stage by stage, for the log; flags may have given the small run other stages."""
    return [
        f"stage {number}: steps {old.steps} -> {new.steps}, context {old.context_tokens} -> {new.context_tokens}, "
        f"prompts {old.prompts} -> {new.prompts}, mini {old.mini_prompts} -> {new.mini_prompts}, "
        f"group {old.group} -> {new.group}"
        for number, (old, new) in enumerate(zip(before.stages, after.stages, strict=False), start=1)
    ]


def _stage(stage: StageSettings) -> StageSettings:
    small = replace(stage, **dict(_divided(stage, STAGE)))
    if small.mini_prompts:
        return replace(small, prompts=small.mini_prompts * (stage.prompts // stage.mini_prompts))
    return small


def _divided(settings: object, table: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, Any]]:
    for key, (by, least) in table.items():
        value = attrgetter(key)(settings)
        yield key, max(least, round(value / by)) if value else value
