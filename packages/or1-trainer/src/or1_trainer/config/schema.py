"""Every setting of a run, as small frozen structs; a recipe is a TOML file over `RunConfig`.

Defaults are the report's (PAPER §2, §6) wherever the report has a number. Unknown keys are errors (`load.py`).
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all settings: frozen, keyword-only, closed."""


class ModelSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which policy to start from."""

    path: str = ""
    """Folder with `config.json`, safetensors and tokenizer. Empty: the warm start made by this project."""
    dtype: Literal["float32", "bfloat16"] = "float32"


class ArithmeticSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Generated arithmetic problems; train and held-out parts cannot overlap."""

    train: int = 4096
    heldout: int = 64
    seed: int = 0
    min_terms: int = 2
    max_terms: int = 5
    max_digits: int = 2
    operators: str = "+-"


class WarmStartSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Supervised start of the tiny policy (DESIGN §6); its folder is cached by the hash of these settings."""

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    intermediate: int = 512
    steps: int = 400
    sequences: int = 64
    """Sequences per supervised step."""
    lr: float = 3e-3
    verbose_share: float = 0.5
    """Share of demonstrations that reason at length, so that the first stage truncates."""
    guess_share: float = 0.0
    """Share of demonstrations that only guess: the policy then often guesses, and can learn to reason instead."""
    seed: int = 0
    arithmetic: ArithmeticSettings = ArithmeticSettings()
    """Which problems are demonstrated; `data.arithmetic` is trained on."""


class DataSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Problems: generated when `train` is empty, else problem files in the row format of DESIGN §3."""

    train: tuple[str, ...] = ()
    heldout: tuple[str, ...] = ()
    template: str = "bare"
    arithmetic: ArithmeticSettings = ArithmeticSettings()


class StageSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One context stage of MAGIC (PAPER §6, Tables 10-12)."""

    steps: int
    context_tokens: int
    """Longest response in tokens, the prompt on top of it (as the released scripts use T).

    A longer one is truncated.
    """
    prompts: int
    """Prompts per rollout batch, before rejection."""
    group: int
    """Responses per prompt."""
    mini_prompts: int = 0
    """Prompts per optimiser step, before rejection; 0 means all of them (on-policy)."""
    drop_solved: bool = True
    """Drop, at the start of this stage, the problems that the previous one always solved (PAPER §2.2 rule 2)."""


class VllmRolloutSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """vLLM in the trainer's processes (`engine = "vllm"`)."""

    tensor: int = 1
    """Ranks that run one engine together."""
    memory_share: float = 0.5
    """Of a GPU's memory, for vLLM's weights and KV cache."""
    kv_cache_gb: float = 1.0
    """KV cache on a CPU."""
    max_sequences: int = 256
    sleep: bool = True
    """Give the GPU memory back while the policy trains."""


class RolloutSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How responses are drawn."""

    engine: Literal["transformers", "vllm", "vllm-server"] = "transformers"
    """Embedded; vLLM in the trainer's processes; or the `vllm serve` processes of `servers`."""
    servers: tuple[str, ...] = ()
    """URLs, for `engine = "vllm-server"`."""
    transfer: Literal["auto", "shared_memory", "ipc", "nccl"] = "auto"
    """How weights reach vLLM: shared memory on CPUs, `ipc` on the same GPU, `nccl` to other GPUs and machines."""
    ahead: int = 0
    """Batches drawn ahead of training: 0 on-policy; 1 one-step-off; more: bounded asynchronous (docs/rollouts.md)."""
    temperature: float = 1.0
    top_p: float = 1.0
    batch_tokens: int = 65536
    """KV-cache budget of the embedded engine, in tokens."""
    vllm: VllmRolloutSettings = VllmRolloutSettings()


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
    covariance_beta: float = 1.0
    """Weight of the KL penalty of `kl_cov`."""


class MismatchSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done about the engine's log-probs differing from the trainer's (docs/rollouts.md)."""

    correction: Literal["auto", "none", "token_tis", "sequence_mask", "geometric_mask", "icepop"] = "auto"
    proximal: Literal["trainer", "engine"] = "trainer"
    """The ratio is against the trainer's log-probs before the update, corrected towards the engine's (decoupled); or
    against the engine's own (coupled, no correction)."""
    tis_cap: float = 2.0
    sequence_cap: float = 3.0
    geometric_low: float = 0.99
    geometric_high: float = 1.01
    icepop_low: float = 0.5
    icepop_high: float = 5.0


class EntropySettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Adaptive entropy control (eq. 3.2). The paper states no upper bound; the released code uses 0.005 for it."""

    mode: Literal["adaptive", "constant", "off"] = "adaptive"
    target: float = 0.2
    delta: float = 0.005
    initial: float = 0.0
    maximum: float = 1.0
    gate: Literal["same_step", "previous_step"] = "same_step"
    """Whose entropy opens the gate: this batch's, with <= (the paper), or the batch's before, with < (the released
    code, which starts open)."""


class OptimizerSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW; the released code's betas, decay and clipping (PAPER §9.2), constant rate, first step not at zero."""

    lr: float = 1e-6
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    warmup_steps: int = 0


class ParallelSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Layout of the ranks; `data` 0 takes what is left of the world after `tensor`."""

    tensor: int = 1
    data: int = 0
    timeout_s: float = 1800.0


class BatchSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Packing: no micro-batch holds more tokens than this, unless one sequence alone does."""

    microbatch_tokens: int = 16384
    chunk_tokens: int = 8192
    """Tokens whose vocabulary row exists at one time in the output projection."""


class EvalSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Held-out avg@k, before, every `every` steps, and after."""

    k: int = 16
    every: int = 20
    temperature: float = 1.0
    context_tokens: int = 0
    """Longest response while evaluating; 0 means the last stage's."""


class CheckpointSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exact checkpoints at step boundaries."""

    every: int = 20
    keep: int = 2


class WatchSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written for people."""

    rollout_share: float = 0.25
    """Share of each step's groups whose texts are kept in `rollouts/`."""
    sinks: tuple[Literal["tensorboard", "wandb"], ...] = ()
    """Where the rows of `metrics.jsonl` go as well; each is an extra of this package."""


class RunConfig(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run, whole."""

    name: str
    stages: tuple[StageSettings, ...]
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    model: ModelSettings = ModelSettings()
    warm_start: WarmStartSettings = WarmStartSettings()
    data: DataSettings = DataSettings()
    rollout: RolloutSettings = RolloutSettings()
    loss: LossSettings = LossSettings()
    mismatch: MismatchSettings = MismatchSettings()
    entropy: EntropySettings = EntropySettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    parallel: ParallelSettings = ParallelSettings()
    batch: BatchSettings = BatchSettings()
    eval: EvalSettings = EvalSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    watch: WatchSettings = WatchSettings()
