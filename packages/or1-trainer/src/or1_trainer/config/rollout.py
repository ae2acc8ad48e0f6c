"""Settings of the context stages and of the rollout engine."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from or1_trainer.config.base import AtLeastOne, AtLeastZero, Fraction, NonNegative, Positive, PositiveFraction, Settings


class AdvanceSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a stage ends: after its `steps`, or earlier once it has converged (`algorithm/stage_convergence.py`)."""

    rule: Literal["count", "auto"] = "count"
    """`count`: after `steps`. `auto`: once reward and truncation have stopped changing, and after `steps` at the
    latest."""
    window_steps: AtLeastOne = 50
    """Steps whose means are compared with those of the same number of steps before."""
    gain: NonNegative = 0.01
    """A smaller change of reward and of truncated fraction between the two windows counts as none."""


class StageSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One context stage (Skywork-OR1, arXiv 2505.22312, sections 3.1 and 3.2.2), or one of supervised fine-tuning."""

    kind: Literal["rl", "sft"] = "rl"
    """`sft`: supervised fine-tuning on `rows`, with the loss on what the assistant says."""
    rows: tuple[str, ...] = ()
    """Of `sft`: files or hub sets whose rows have `messages` of role and content; `generated:calculator` makes rows
    that show how a calculator is asked."""
    lr: NonNegative = 0.0
    """Of `sft`: learning rate; 0: `optimizer.lr`."""
    steps: AtLeastOne
    """Rollout batches, each of which is trained on once (`loss.reuse` times)."""
    context_tokens: AtLeastOne
    """Longest response in tokens, not counting the prompt; a longer one is truncated, a longer row left out."""
    prompts: AtLeastOne
    """Prompts per rollout batch, before groups without signal are rejected. `sft`: rows per optimizer step."""
    group: Annotated[int, Meta(ge=2)] = 16
    """Responses per prompt."""
    mini_prompts: AtLeastZero = 0
    """Prompts per optimizer step, before rejection; must divide `prompts`. 0: all of them (on-policy)."""
    drop_solved: bool = True
    """At the start of this stage, drop the problems whose responses in the previous stage were all correct."""
    advance: AdvanceSettings = AdvanceSettings()


class VllmRolloutSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """vLLM in the trainer's processes (`engine = "vllm"`)."""

    tensor: AtLeastOne = 1
    """Ranks that form one engine."""
    memory_share: Fraction = 0.5
    """Fraction of a GPU's memory for vLLM's weights and KV cache."""
    kv_cache_gb: Positive = 1.0
    """Size of the KV cache on a CPU."""
    max_sequences: AtLeastOne = 256
    """Sequences that are decoded at the same time."""
    sleep: bool = True
    """Release GPU memory during the update."""


class RolloutSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How responses are sampled."""

    engine: Literal["transformers", "vllm", "vllm-server"] = "transformers"
    """In the trainer's process; vLLM in the trainer's processes; or the `vllm serve` processes of `servers`."""
    servers: tuple[str, ...] = ()
    """URLs, for `engine = "vllm-server"`."""
    transfer: Literal["auto", "shared_memory", "ipc", "nccl"] = "auto"
    """How weights reach vLLM. "auto": the tensors themselves where vLLM's worker is in this process, shared memory to
    another process; to servers shared memory on CPUs and `nccl` on GPUs. `ipc` is for servers on the trainer's GPUs."""
    ahead: AtLeastZero = 0
    """Batches sampled ahead of training. 0: on-policy; 1: one step off-policy; more: bounded staleness
    (docs/rollouts.md)."""
    refill: AtLeastZero = 0
    """Dynamic sampling (DAPO): how often further prompts are sampled to replace groups without advantage. 0: never,
    as in Skywork-OR1."""
    piece_tokens: AtLeastZero = 0
    """Partial rollouts: with `ahead`, responses are sampled in pieces of at most so many tokens, and new weights come
    between two pieces instead of behind the batch; 0: behind it. Then a resumed run is not exactly the same."""
    temperature: Positive = 1.0
    """Temperature of sampling; the paper uses 1."""
    top_p: PositiveFraction = 1.0
    """Nucleus sampling; below 1 vLLM gives no log-probs of the full distribution."""
    batch_tokens: AtLeastOne = 65536
    """Size of the `transformers` engine's KV cache, in tokens."""
    kept_tokens: AtLeastZero = 65536
    """Of the `transformers` engine: tokens of responses that wait for a tool, or for their next piece, whose keys and
    values are kept beside that cache. A response for which there is no room computes its earlier turns again."""
    vllm: VllmRolloutSettings = VllmRolloutSettings()
