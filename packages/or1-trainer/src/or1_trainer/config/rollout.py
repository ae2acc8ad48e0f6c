"""Settings of context stages, rollout engine, and the environment that answers the policy's turns (docs/tools.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from or1_trainer.config.base import AtLeastOne, AtLeastZero, Fraction, NonNegative, Positive, PositiveFraction, Settings


class AdvanceSettings(Settings, frozen=True, kw_only=True):
    """When a stage ends: after its `steps`, or earlier once it has converged (`algorithm/stage_convergence.py`)."""

    rule: Literal["count", "auto"] = "count"
    """`count`: after `steps`. `auto`: once reward and truncation have stopped changing, and after `steps` at the
    latest."""
    window_steps: AtLeastOne = 50
    """Steps whose means are compared with those of the same number of steps before."""
    gain: NonNegative = 0.01
    """A smaller change of reward and of truncated fraction between the two windows counts as none."""


class StageSettings(Settings, frozen=True, kw_only=True):
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


class VllmRolloutSettings(Settings, frozen=True, kw_only=True):
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


class RolloutSettings(Settings, frozen=True, kw_only=True):
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


class EnvironmentSettings(Settings, frozen=True, kw_only=True):
    """Tools that the policy may call, or an environment of your own; without any, a response is one turn."""

    tools: tuple[Literal["calculator", "python", "search"], ...] = ()
    """`python` runs in or1-reward's sandbox, `search` looks into the text files of `search_folder`."""
    search_folder: str = ""
    """Of `search`: the folder whose files are searched."""
    format: Literal["hermes", "fenced", "asked"] = "hermes"
    """How calls look: Hermes and Qwen tool calls; ```` ```python ```` blocks; `12+7=?` for small policies."""
    system: str = ""
    """System message in front of the problem's own."""
    make: Annotated[str, Meta(pattern=r"^([\w.]+:\w+)?$")] = ""
    """`package.module:function`, instead of `tools`: the function takes no arguments, and returns an
    `or1_rollout.environments.Environment`."""
    turns: AtLeastOne = 8
    """Turns of the policy; a response that wants more is truncated."""
    observation_tokens: AtLeastZero = 1024
    """Tokens of all observations of a response, which `context_tokens` does not count; one with more is truncated."""
    lag_steps: AtLeastZero = 8
    """With engines in this process: decoding steps after which an answer enters the batch, however fast the tool is, so
    that samples can be repeated bit by bit; the engine waits for a tool that takes longer. 0: as soon as it is there,
    and samples are equal up to rounding."""
    threads: AtLeastOne = 64
    """Tools that work at the same time, per rank."""

    @property
    def is_active(self) -> bool:
        """Whether responses have several turns."""
        return bool(self.tools or self.make)
