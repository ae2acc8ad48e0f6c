"""The first hour on a GPU: what only a GPU can show, in order, in one table to paste into an issue.

No machine of this project has had a GPU yet: written against the documentation of torch, Megatron-core and vLLM, and
run on the CPU in both places by the tests.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoConfig

from or1_data.arithmetic import ALPHABET
from or1_rollout.errors import Or1RolloutError
from or1_rollout.weight_sync import Probe
from or1_trainer.algorithm.packing import PackedBatch, Sample, pack
from or1_trainer.config.schema import OptimizerSettings, WarmStartSettings
from or1_trainer.plan.page import markdown_table
from or1_trainer.plan.read_shape import warm_start_config
from or1_trainer.policy.hf_weights.export import save_hf
from or1_trainer.policy.hf_weights.weights import PolicyWeights, init_weights
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.optimizer.adamw import AdamW
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.parallel import Runtime
from or1_trainer.policy.token_stats import token_stats
from or1_trainer.toy.tokenizer import character_tokenizer
from or1_trainer.train.weight_sync import BFLOAT16_TOLERANCE

VOCABULARY = 1000
SMALL = WarmStartSettings(hidden=256, intermediate=768, layers=2, heads=4, kv_heads=2)
LENGTHS = (17, 1, 300, 40)
"""Response tokens; the first two share a prompt, and the second has no query of its own."""
EPS = 2.0**-8
"""Rounding of bfloat16."""


class Measured(NamedTuple):
    """One row of the table."""

    name: str
    value: str
    bound: str
    is_good: bool
    seconds: float


Check = Callable[[Runtime, Runtime], tuple[str, str, bool]]
"""(the GPU, the CPU beside it in the same process group) -> value, bound, whether it holds."""


def run_checks(here: Runtime, checks: Iterable[tuple[str, Check]]) -> Iterator[Measured]:
    """Run all checks; one that fails with an error of torch or of an engine is a row, and the next one runs."""
    cpu = replace(here, device=torch.device("cpu"))
    for name, check in checks:
        start = time.perf_counter()
        try:
            value, bound, is_good = check(here, cpu)
        except (RuntimeError, ValueError, ImportError, AssertionError, Or1RolloutError) as error:
            value, bound, is_good = f"{type(error).__name__}: {str(error).splitlines()[:1]}", "", False
        yield Measured(name, value, bound, is_good, time.perf_counter() - start)


def logprobs_and_gradients(here: Runtime, cpu: Runtime) -> tuple[str, str, bool]:
    """bfloat16 on the GPU (variable-length attention, shared prompts) against float32 on the CPU."""
    ours, theirs = _policy(here, torch.bfloat16), _policy(cpu, torch.float32)
    stats, expected = _backward(ours), _backward(theirs)
    gap = (stats.logprobs_M.cpu() - expected.logprobs_M).abs().mean().item()
    gradients = dict(theirs.model.named_parameters())
    worst = max(
        ((p.grad.cpu().float() - gradients[name].grad).norm() / gradients[name].grad.norm()).item()
        for name, p in ours.model.named_parameters()
        if p.grad is not None
    )
    return f"{gap:.4f} nats, gradients {worst:.3f}", f"{2 * EPS:.4f}, {8 * EPS:.3f}", gap < 2 * EPS and worst < 8 * EPS


def optimizer_steps(here: Runtime, cpu: Runtime) -> tuple[str, str, bool]:
    """Gradient norms of three steps of Megatron's distributed optimizer against those of AdamW on the CPU."""
    norms = []
    for runtime, dtype, make in ((here, torch.bfloat16, build_optimizer), (cpu, torch.float32, AdamW)):
        policy = _policy(runtime, dtype)
        optimizer: Any = make(policy, OptimizerSettings(max_grad_norm=0.05))
        found = []
        for _ in range(3):
            optimizer.zero_grad()
            _backward(policy)
            found.append(optimizer.step(1e-3))
        norms.append(found)
    worst = max(abs(a - b) / b for a, b in zip(*norms, strict=True))
    return f"{worst:.4f}", f"{8 * EPS:.4f}", worst < 8 * EPS


def weights_out_and_in(here: Runtime, _cpu: Runtime) -> tuple[str, str, bool]:
    """Every weight that is streamed to an engine is finite, and lies on the device of the policy."""
    wrong = [
        name
        for name, tensor in PolicyWeights(_policy(here, torch.bfloat16))
        if tensor.device.type != here.device.type or not tensor.isfinite().all()
    ]
    return f"{len(wrong)} wrong", "0", not wrong


def engine_sync(here: Runtime, _cpu: Runtime) -> tuple[str, str, bool]:
    """VLLM takes the weights, is put to sleep, takes them again and samples; it checks each transfer itself."""
    from or1_rollout.engines.vllm import VllmEngine, VllmSettings
    from or1_rollout.types import SamplingParams

    policy = _policy(here, torch.bfloat16)
    probe = _probe(policy)
    with tempfile.TemporaryDirectory() as folder:
        save_hf(policy, Path(folder) / "model", tokenizer=character_tokenizer(ALPHABET))
        settings = VllmSettings(dtype="bfloat16", memory_share=0.2, context_tokens=256, sleep=True)
        engine = VllmEngine.load(Path(folder) / "model", settings)
        try:
            engine.sync_weights(PolicyWeights(policy), version=1, probe=probe)
            awake, _ = torch.cuda.mem_get_info()
            slept = engine.sleep()
            asleep, _ = torch.cuda.mem_get_info()
            engine.sync_weights(PolicyWeights(policy), version=2, probe=probe)
            ((completion,),) = engine.generate([[5, 6, 7]], SamplingParams(n=1, max_new_tokens=8))
        finally:
            engine.close()
    freed = (asleep - awake) / 1e9
    return f"freed {freed:.1f} GB, {len(completion.token_ids)} tokens", "above 0", slept and freed > 0


def half_billion_step(here: Runtime, _cpu: Runtime) -> tuple[str, str, bool]:
    """Memory and time of one update of a 0.5B-shaped model against the rehearsal's."""
    from or1_trainer.doctor.measured_step import measured_step  # with torch's fake tensors, for this check alone

    return measured_step(here)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("log-probs, gradients: GPU vs CPU", logprobs_and_gradients),
    ("distributed optimizer vs AdamW", optimizer_steps),
    ("weight stream", weights_out_and_in),
    ("vLLM: weights, sleep, weights", engine_sync),
    ("a step of 0.5B vs rehearsal", half_billion_step),
)


def table(rows: Iterable[Measured]) -> str:
    """Markdown."""
    return markdown_table(
        ("check", "measured", "bound", "good", "s"),
        ((row.name, row.value, row.bound, "yes" if row.is_good else "NO", f"{row.seconds:.1f}") for row in rows),
    )


def _policy(runtime: Runtime, dtype: torch.dtype) -> Policy:
    policy = build_policy(AutoConfig.for_model(**warm_start_config(SMALL, VOCABULARY)), runtime, dtype=dtype)
    init_weights(policy, seed=0)
    return policy


def _batch(runtime: Runtime) -> PackedBatch:
    stream = torch.Generator().manual_seed(0)

    def ids(count: int) -> list[int]:
        drawn: list[int] = torch.randint(0, VOCABULARY, (count,), generator=stream).tolist()
        return drawn

    prompts = [ids(24), ids(9), ids(33)]
    samples = [
        Sample(prompt_ids=prompts[max(0, index - 1)], response_ids=ids(length), advantage=1.0)
        for index, length in enumerate(LENGTHS)
    ]
    return pack(samples, device=runtime.device)


def _probe(policy: Policy) -> Probe:
    """Log-probs that the engine must compute too."""
    prompt, response = list(range(4, 20)), list(range(30, 46))
    batch = pack([Sample(prompt_ids=prompt, response_ids=response, advantage=0.0)], device=policy.runtime.device)
    with torch.no_grad():
        logprobs = token_stats(policy, batch, with_entropy=False).logprobs_M.tolist()
    return Probe(prompt_ids=prompt, response_ids=response, logprobs=logprobs, tolerance=BFLOAT16_TOLERANCE)


def _backward(policy: Policy) -> Any:
    stats = token_stats(policy, _batch(policy.runtime), chunk_tokens=100)
    (stats.logprobs_M.mean() + 0.1 * stats.entropy_M.mean()).backward()
    return stats
