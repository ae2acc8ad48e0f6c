"""Checks of settings that depend on each other; the range of a single setting is part of its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from or1_trainer.config.near import did_you_mean
from or1_trainer.config.problems import ArithmeticSettings, GeneratedSettings, LetteredSettings, WarmStartSettings
from or1_trainer.config.schema import RunConfig, StageSettings
from or1_trainer.errors import ConfigError


def check(config: RunConfig, world_size: int) -> None:
    """Raise `ConfigError` where settings contradict each other or the number of processes, with what to change."""
    if not config.stages:
        raise ConfigError("stages is empty: a recipe needs at least one [[stages]] table")
    for number, stage in enumerate(config.stages):
        _check_stage(stage, f"stages.{number}")
    _check_layout(config, world_size)
    _check_engine(config, world_size)
    _check_sampling(config)
    _check_environment(config)
    _check_pieces(config, world_size)
    _check_loss(config)
    _check_distill(config)
    _check_rewards(config)
    _check_sources(config)
    if not config.model.path:
        _check_warm_start(config.warm_start)
    if not config.data.train and not config.data.sources:
        _check_terms(getattr(config.data, config.data.generated), f"data.{config.data.generated}")


def _check_stage(stage: StageSettings, where: str) -> None:
    if (stage.kind == "sft") != bool(stage.rows):
        raise ConfigError(f'{where}: kind = "sft" needs rows, and no other kind may have them')
    if stage.mini_prompts and stage.prompts % stage.mini_prompts:
        raise ConfigError(
            f"{where}: mini_prompts = {stage.mini_prompts} does not divide prompts = {stage.prompts}; "
            f"take a divisor of {stage.prompts}, or 0 for one optimizer step per batch"
        )


def _check_layout(config: RunConfig, world_size: int) -> None:
    tensor, data = config.parallel.tensor, config.parallel.data
    if world_size % tensor or (data and tensor * data != world_size):
        product = f"parallel.tensor = {tensor}" + (f" times parallel.data = {data}" if data else "")
        raise ConfigError(
            f"{world_size} processes do not match {product}; "
            f"start with --nproc {tensor * max(data, 1)}, or change parallel.tensor or parallel.data"
        )


def _check_engine(config: RunConfig, world_size: int) -> None:
    rollout = config.rollout
    if (rollout.engine == "vllm-server") != bool(rollout.servers):
        raise ConfigError(
            'rollout.engine = "vllm-server" needs rollout.servers = ["http://...", ...], and no other engine takes '
            f"servers; got {rollout.engine!r} and {len(rollout.servers)} servers"
        )
    if world_size % rollout.vllm.tensor:
        raise ConfigError(f"rollout.vllm.tensor = {rollout.vllm.tensor} does not divide {world_size} processes")
    if rollout.ahead and rollout.engine == "vllm" and rollout.vllm.sleep:
        raise ConfigError(
            "rollout.ahead samples while the policy trains, but rollout.vllm.sleep puts the engine to sleep then: "
            "set rollout.vllm.sleep = false"
        )


def _check_sampling(config: RunConfig) -> None:
    rollout, mismatch = config.rollout, config.mismatch
    needs_logprobs = mismatch.proximal == "engine" or mismatch.correction != "none"
    if rollout.engine != "transformers" and rollout.top_p < 1 and needs_logprobs:
        raise ConfigError(
            f"with rollout.top_p = {rollout.top_p} vLLM reports log-probs of the truncated distribution, which "
            'mismatch.correction cannot use: set rollout.top_p = 1, or mismatch.correction = "none" and '
            'mismatch.proximal = "trainer"'
        )
    if rollout.refill and not config.loss.reject_zero_advantage:
        raise ConfigError("rollout.refill replaces rejected groups: it needs loss.reject_zero_advantage = true")


def _check_environment(config: RunConfig) -> None:
    settings = config.environment
    if settings.tools and settings.make:
        raise ConfigError("environment.tools and environment.make are both given: make is an environment of its own")
    if "search" in settings.tools and not settings.search_folder:
        raise ConfigError('environment.tools has "search": set environment.search_folder')
    if settings.is_active and config.rollout.vllm.tensor > 1:
        raise ConfigError(
            "with an [environment] every rank has an engine of its own, so that each tool is called once: set "
            "rollout.vllm.tensor = 1"
        )


def _check_pieces(config: RunConfig, world_size: int) -> None:
    if config.rollout.piece_tokens and (world_size > 1 or not config.rollout.ahead):
        raise ConfigError(
            "rollout.piece_tokens lets new weights come while a batch is sampled: set rollout.ahead = 1 or more, and "
            "start one process, as the ranks would have to stop at the same piece"
        )


def _check_loss(config: RunConfig) -> None:
    loss, mismatch = config.loss, config.mismatch
    if loss.kind == "gspo" and loss.aggregate != "sequence":
        raise ConfigError('loss.kind = "gspo" has one ratio per sequence: also set loss.aggregate = "sequence"')
    if mismatch.proximal == "engine" and mismatch.correction not in ("auto", "none"):
        raise ConfigError(
            'mismatch.proximal = "engine" already has the engine\'s log-probs in the clipped ratio, and '
            f'mismatch.correction = "{mismatch.correction}" would count them twice: set one of the two to "auto"'
        )


def _check_distill(config: RunConfig) -> None:
    distill = config.distill
    if not distill.beta:
        return
    if bool(distill.teacher) == bool(distill.servers):
        raise ConfigError("distill.beta needs either distill.teacher, a folder, or distill.servers")
    if config.loss.reject_zero_advantage:
        raise ConfigError(
            "a teacher teaches on every response, also of groups whose rewards are all equal: set "
            "loss.reject_zero_advantage = false"
        )
    if config.rollout.temperature != 1 or config.rollout.top_p != 1:
        raise ConfigError("distill compares log-probs at temperature 1: set rollout.temperature = 1, rollout.top_p = 1")


def _check_rewards(config: RunConfig) -> None:
    if twice := _twice(reward.label for reward in config.rewards):
        raise ConfigError(f"two rewards are named {twice}: give each [[rewards]] table its own name")
    if config.rewards and not any(reward.weight for reward in config.rewards):
        raise ConfigError("every reward has weight 0: nothing would be learned")
    if config.reward.urls and any(reward.kind == "tests_passed" for reward in config.rewards):
        raise ConfigError(
            'a reward of kind "tests_passed" is judged on this machine: leave reward.urls empty, or take "verifier"'
        )
    if config.reward.normalization == "each" and config.loss.overlong_buffer_tokens:
        raise ConfigError(
            'loss.overlong_buffer_tokens is added to the sum of the rewards, which reward.normalization = "each" does '
            'not compute: give it as [[rewards]] kind = "length" instead'
        )


def _check_sources(config: RunConfig) -> None:
    sources, rewards = config.data.sources, [reward.label for reward in config.rewards]
    if sources and config.data.train:
        raise ConfigError("data.train and data.sources are both given: give the files of data.train as sources too")
    for number, source in enumerate(sources):
        if bool(source.path) == bool(source.gym):
            raise ConfigError(f"data.sources.{number} needs either a path or a gym task")
        for name in source.rewards:
            if name not in rewards:
                raise ConfigError(
                    f"data.sources.{number}.rewards names {name!r}, but the recipe has no such reward"
                    f"{did_you_mean(name, rewards)}; its [[rewards]] are {', '.join(rewards) or 'none'}"
                )
    if twice := _twice(source.label for source in sources):
        raise ConfigError(f"two sources are named {twice}: give each a name of its own")
    if config.data.sampler.least > config.data.sampler.most:
        raise ConfigError("data.sampler.least must not exceed data.sampler.most")


def _twice(names: Iterable[str]) -> str:
    """The names that come more than once."""
    return ", ".join(sorted(name for name, count in Counter(names).items() if count > 1))


def _check_warm_start(start: WarmStartSettings) -> None:
    if start.hidden % (2 * start.heads):
        raise ConfigError(
            f"warm_start.hidden = {start.hidden} must be an even multiple of warm_start.heads = {start.heads}, "
            "because rotary embeddings need heads of an even width"
        )
    if start.heads % start.kv_heads:
        raise ConfigError(f"warm_start.kv_heads = {start.kv_heads} does not divide warm_start.heads = {start.heads}")
    if start.verbose_share + start.guess_share > 1:
        raise ConfigError("warm_start.verbose_share and warm_start.guess_share must add up to at most 1")
    _check_terms(getattr(start, start.demonstrated), f"warm_start.{start.demonstrated}")


def _check_terms(problems: GeneratedSettings, where: str) -> None:
    if isinstance(problems, ArithmeticSettings | LetteredSettings) and problems.min_terms > problems.max_terms:
        raise ConfigError(f"{where}: min_terms = {problems.min_terms} must not exceed max_terms = {problems.max_terms}")
