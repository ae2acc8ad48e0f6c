"""A recipe's settings divided until a CPU runs them in minutes; every other setting stays as it is.

| setting | divided by | at least |
|---|---|---|
| steps of a stage | 100 | 1 |
| context of a stage and of the evaluation, tokens of a micro-batch and of a chunk | 512 | 8 |
| prompts of a batch and of a mini-batch | 16 | 2 |
| group, k of the evaluation | 4 | 2 |
| evaluation and checkpoint every so many steps | 10 | 1 |
| vLLM or its servers | the embedded engine | |
| bfloat16, the device, the layout | float32, CPU, one process | |
| problem files | generated sums of two digits, which a random model guesses now and then | |
"""

from __future__ import annotations

from msgspec.structs import replace

from or1_trainer.config.schema import ArithmeticSettings, DataSettings, RunConfig, StageSettings

STEPS, TOKENS, PROMPTS, SAMPLES, EVERY = 100, 512, 16, 4, 10

PROBLEMS = ArithmeticSettings(train=64, heldout=4, min_terms=2, max_terms=2, max_digits=1)
"""A random policy must be right now and then, else no group has an advantage and nothing is learnt from."""


def scaled_down(config: RunConfig) -> RunConfig:
    """The same run, small. `model.path` stays: see `scale.model`."""
    sampler = replace(config.data.sampler, least=0.0, most=1.0)  # generated problems have no known solve rates
    return replace(
        config,
        name=f"{config.name}-scaled-down",
        device="cpu",
        stages=tuple(_stage(stage) for stage in config.stages),
        model=replace(config.model, dtype="float32"),
        data=DataSettings(template=config.data.template, arithmetic=PROBLEMS, sampler=sampler),
        rollout=replace(config.rollout, engine="transformers", servers=(), vllm=replace(config.rollout.vllm, tensor=1)),
        parallel=replace(config.parallel, tensor=1, data=0),
        batch=replace(
            config.batch,
            microbatch_tokens=_divided(config.batch.microbatch_tokens, TOKENS, 64),
            chunk_tokens=_divided(config.batch.chunk_tokens, TOKENS, 8),
        ),
        eval=replace(
            config.eval,
            k=_divided(config.eval.k, SAMPLES, 2),
            every=_divided(config.eval.every, EVERY, 1),
            context_tokens=_divided(config.eval.context_tokens, TOKENS, 8) if config.eval.context_tokens else 0,
        ),
        checkpoint=replace(config.checkpoint, every=_divided(config.checkpoint.every, EVERY, 1)),
    )


def changes(before: RunConfig, after: RunConfig) -> list[str]:
    """What was scaled, stage by stage, for the log; flags may have given the small run other stages."""
    return [
        f"stage {number}: steps {old.steps} -> {new.steps}, context {old.context_tokens} -> {new.context_tokens}, "
        f"prompts {old.prompts} -> {new.prompts}, mini {old.mini_prompts} -> {new.mini_prompts}, "
        f"group {old.group} -> {new.group}"
        for number, (old, new) in enumerate(zip(before.stages, after.stages, strict=False), start=1)
    ]


def _stage(stage: StageSettings) -> StageSettings:
    mini = _divided(stage.mini_prompts, PROMPTS, 2) if stage.mini_prompts else 0
    per_batch = stage.prompts // stage.mini_prompts if mini else 1
    return replace(
        stage,
        steps=_divided(stage.steps, STEPS, 1),
        context_tokens=_divided(stage.context_tokens, TOKENS, 8),
        prompts=mini * per_batch if mini else _divided(stage.prompts, PROMPTS, 2),
        mini_prompts=mini,
        group=_divided(stage.group, SAMPLES, 2),
    )


def _divided(value: int, by: int, least: int) -> int:
    return max(least, round(value / by))
