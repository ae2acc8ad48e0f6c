"""Settings of the context stages and of how responses are drawn in them."""

from __future__ import annotations

from typing import Literal

from or1_trainer.config.base import AtLeastOne, NotNegative, Positive, Settings, Share


class AdvanceSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a stage ends: after its `steps`, or before that once it has settled (`algorithm/stage_convergence.py`)."""

    rule: Literal["count", "auto"] = "count"
    window_steps: int = 50
    gain: NotNegative = 0.01
    """A change of reward or truncated share between two windows that is smaller counts as none."""


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
    advance: AdvanceSettings = AdvanceSettings()


class VllmRolloutSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """vLLM in the trainer's processes (`engine = "vllm"`)."""

    tensor: int = 1
    """Ranks that run one engine together."""
    memory_share: Share = 0.5
    """Of a GPU's memory, for vLLM's weights and KV cache."""
    kv_cache_gb: Positive = 1.0
    """KV cache on a CPU."""
    max_sequences: AtLeastOne = 256
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
    refill: int = 0
    """Dynamic sampling: rounds of further prompts for groups without advantage; 0: none, as in the paper."""
    temperature: float = 1.0
    top_p: float = 1.0
    batch_tokens: AtLeastOne = 65536
    """KV-cache budget of the embedded engine, in tokens."""
    vllm: VllmRolloutSettings = VllmRolloutSettings()
