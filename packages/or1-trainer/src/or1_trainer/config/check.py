"""Whether a configuration can be run at all, before anything starts."""

from __future__ import annotations

from or1_data.errors import ConfigError as FamilyError
from or1_trainer.config.schema import DataSettings, RunConfig, StageSettings, WarmStartSettings
from or1_trainer.errors import ConfigError
from or1_trainer.toy.family import family_of, lengths_of


def check(config: RunConfig, world_size: int) -> None:
    """Raise `ConfigError` on arithmetic that cannot work, with what to change."""
    if not config.stages:
        raise ConfigError("stages: a recipe needs at least one [[stages]] table")
    for number, stage in enumerate(config.stages):
        _check_stage(stage, f"stages.{number}", config.loss.reuse)
    _check_layout(config, world_size)
    _check_ranges(config)
    _check_rollout(config, world_size)
    _check_loss(config)
    if not config.model.path:
        _check_warm_start(config.warm_start)
    if not config.data.train:
        _check_generated(config.data.generated, config.data, "data")


def _check_stage(stage: StageSettings, where: str, reuse: int) -> None:
    for key in ("steps", "context_tokens", "prompts"):
        if getattr(stage, key) < 1:
            raise ConfigError(f"{where}.{key} must be at least 1, got {getattr(stage, key)}")
    if stage.group < 2:
        raise ConfigError(
            f"{where}.group must be at least 2 (one response has no group to compare with), got {stage.group}"
        )
    if stage.mini_prompts < 0 or (stage.mini_prompts and stage.prompts % stage.mini_prompts):
        raise ConfigError(
            f"{where}: prompts = {stage.prompts} does not divide into mini-batches of "
            f"mini_prompts = {stage.mini_prompts}; "
            f"take a divisor of {stage.prompts}, or 0 for one optimiser step per batch"
        )
    if stage.advance.window_steps < 1 or stage.advance.gain < 0:
        raise ConfigError(
            f"{where}.advance needs window_steps >= 1 and gain >= 0, got "
            f"{stage.advance.window_steps} and {stage.advance.gain}"
        )
    if reuse < 1:
        raise ConfigError(f"loss.reuse must be at least 1, got {reuse}")


def _check_rollout(config: RunConfig, world_size: int) -> None:
    rollout = config.rollout
    if (rollout.engine == "vllm-server") != bool(rollout.servers):
        raise ConfigError(
            'rollout.engine = "vllm-server" and rollout.servers = ["http://...", ...] belong together; '
            f"got {rollout.engine!r} and {len(rollout.servers)} servers"
        )
    if rollout.vllm.tensor < 1 or world_size % rollout.vllm.tensor:
        raise ConfigError(f"rollout.vllm.tensor = {rollout.vllm.tensor} does not divide {world_size} processes")
    needs_logprobs = config.mismatch.proximal == "engine" or config.mismatch.correction != "none"
    if rollout.engine != "transformers" and rollout.top_p < 1 and needs_logprobs:
        raise ConfigError(
            f"rollout.top_p = {rollout.top_p} leaves vLLM without log-probs of the distribution before the cut, which "
            'mismatch.correction needs: set rollout.top_p = 1, or mismatch.correction = "none" with '
            'mismatch.proximal = "trainer"'
        )
    if rollout.ahead < 0:
        raise ConfigError(f"rollout.ahead must be at least 0, got {rollout.ahead}")
    if rollout.refill < 0:
        raise ConfigError(f"rollout.refill must be at least 0, got {rollout.refill}")
    if rollout.refill and not config.loss.reject_zero_advantage:
        raise ConfigError("rollout.refill replaces rejected groups: it needs loss.reject_zero_advantage = true")
    if rollout.ahead and rollout.engine == "vllm" and rollout.vllm.sleep:
        raise ConfigError(
            "rollout.ahead needs an engine that is awake while the policy trains: rollout.vllm.sleep = false"
        )


def _check_loss(config: RunConfig) -> None:
    loss, mismatch = config.loss, config.mismatch
    if loss.kind == "gspo" and loss.aggregate != "sequence":
        raise ConfigError('loss.kind = "gspo" has one ratio per sequence: set loss.aggregate = "sequence" with it')
    if loss.kl_beta < 0 or not 0 < loss.covariance_share <= 1 or loss.overlong_buffer_tokens < 0:
        raise ConfigError(
            "need loss.kl_beta >= 0, 0 < loss.covariance_share <= 1 and loss.overlong_buffer_tokens >= 0, got "
            f"{loss.kl_beta}, {loss.covariance_share}, {loss.overlong_buffer_tokens}"
        )
    if mismatch.proximal == "engine" and mismatch.correction not in ("auto", "none"):
        raise ConfigError(
            'mismatch.proximal = "engine" puts the whole gap into the clipped ratio; a mismatch.correction on top '
            "would count it twice: take one of the two"
        )


def _check_warm_start(start: WarmStartSettings) -> None:
    sizes = ("hidden", "layers", "heads", "kv_heads", "intermediate", "steps", "sequences")
    for key in sizes:
        if getattr(start, key) < 1:
            raise ConfigError(f"warm_start.{key} must be at least 1, got {getattr(start, key)}")
    if start.hidden % start.heads or (start.hidden // start.heads) % 2:
        raise ConfigError(
            f"warm_start.hidden = {start.hidden} does not make warm_start.heads = {start.heads} heads of an even width"
        )
    if start.heads % start.kv_heads:
        raise ConfigError(f"warm_start.kv_heads = {start.kv_heads} does not divide warm_start.heads = {start.heads}")
    if min(start.verbose_share, start.guess_share) < 0 or start.verbose_share + start.guess_share > 1:
        raise ConfigError(
            "warm_start.verbose_share and warm_start.guess_share must be at least 0 and add up to at most 1"
        )
    _check_generated(start.demonstrated, start, "warm_start")
    if start.habits.restate_share == 1:
        raise ConfigError("warm_start.habits.restate_share = 1 leaves no line that adds: take a share below 1")


def _check_generated(kind: str, settings: DataSettings | WarmStartSettings, where: str) -> None:
    try:
        lengths_of(settings.lettered) if kind == "lettered" else family_of(settings.arithmetic)
    except (FamilyError, ConfigError) as error:
        raise ConfigError(f"{where}.{kind}: {error}") from error


def _check_layout(config: RunConfig, world_size: int) -> None:
    tensor, data = config.parallel.tensor, config.parallel.data
    if tensor < 1 or data < 0:
        raise ConfigError(f"parallel.tensor must be at least 1 and parallel.data at least 0, got {tensor} and {data}")
    if world_size % tensor or (data and tensor * data != world_size):
        raise ConfigError(
            f"{world_size} processes do not make parallel.tensor = {tensor} "
            f"times parallel.data = {data or 'the rest'}; "
            f"start with --nproc {tensor * max(data, 1)} or change the layout"
        )


def _check_ranges(config: RunConfig) -> None:
    positive = {
        "rollout.temperature": config.rollout.temperature,
        "optimizer.lr": config.optimizer.lr,
        "eval.k": config.eval.k,
        "batch.microbatch_tokens": config.batch.microbatch_tokens,
        "batch.chunk_tokens": config.batch.chunk_tokens,
        "checkpoint.keep": config.checkpoint.keep,
    }
    for key, value in positive.items():
        if value <= 0:
            raise ConfigError(f"{key} must be above 0, got {value}")
    if config.checkpoint.keep_best < 0:
        raise ConfigError(f"checkpoint.keep_best must be at least 0, got {config.checkpoint.keep_best}")
    optimizer = config.optimizer
    if optimizer.warmup_steps < 0 or optimizer.decay_steps < 0 or not 0 <= optimizer.final_share <= 1:
        raise ConfigError(
            "need optimizer.warmup_steps >= 0, optimizer.decay_steps >= 0 and 0 <= optimizer.final_share <= 1, got "
            f"{optimizer.warmup_steps}, {optimizer.decay_steps}, {optimizer.final_share}"
        )
    if not 0 < config.rollout.top_p <= 1:
        raise ConfigError(f"rollout.top_p must be in (0, 1], got {config.rollout.top_p}")
    if not (0 < config.loss.clip_low < 1 and config.loss.clip_high > 0):
        raise ConfigError(
            f"need 0 < loss.clip_low < 1 and loss.clip_high > 0, got {config.loss.clip_low}, {config.loss.clip_high}"
        )
