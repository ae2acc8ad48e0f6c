"""What only a CUDA device can show, against the CPU path that the other tests hold to the plain formulas.

`uv run pytest -m gpu`. Written after the documentation of torch 2.13, Megatron-core 0.16 and vLLM 0.32; no machine of
this project has had a GPU yet, so none of these has ever run.
"""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parent / "megatron_workers"))
sys.path.append(str(Path(__file__).parent))

from megatron_cases import CONFIGS, hf_logits, hf_model, pack, policy_logits, random_sequences, weighted_loss
from whole_runs import MICRO, numbers, run_fresh

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.checkpoint.sharded import load_sharded, save_sharded
from or1_trainer.policy.hf_weights.weights import PolicyWeights, init_weights, load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.optimizer.adamw import AdamW
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.parallel import Runtime, start_runtime, stop_runtime
from or1_trainer.policy.token_stats import token_stats

pytestmark = pytest.mark.gpu

EPS = 2.0**-8  # of bfloat16
SEQUENCES = random_sequences([17, 40, 3, 300, 1, 33])
SETTINGS = OptimizerSettings(max_grad_norm=0.05, weight_decay=0.1)


@pytest.fixture(scope="module")
def cuda():
    started = start_runtime(tensor=1, device="cuda", timeout_s=60)
    yield started
    stop_runtime(started)


@pytest.fixture
def cpu(cuda):
    """The same process group, for a policy on the CPU beside the one on the GPU."""
    return Runtime(torch.device("cpu"), cuda.rank, cuda.world_size, cuda.tensor_size, 0, cuda.data_size, 0)


def on(runtime, batch):
    """The batch on a runtime's device; its layout stays on the CPU."""
    names = ("token_ids_T", "positions_T", "source_M", "labels_M")
    return replace(batch, **{name: getattr(batch, name).to(runtime.device) for name in names})


def policy_on(runtime, name, dtype, **options):
    reference = hf_model(name, torch.float32)
    policy = build_policy(reference.config, runtime, dtype=dtype, **options)
    load_hf_weights(policy, {key: value.bfloat16().float() for key, value in reference.state_dict().items()})
    return policy


def backward(policy, batch):
    stats = token_stats(policy, on(policy.runtime, batch), temperature=0.9, chunk_tokens=50)
    weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
    return stats


@pytest.mark.parametrize("name", CONFIGS)
def test_float32_logits_are_those_of_transformers(cuda, name):
    reference = hf_model(name, torch.float32)
    policy = build_policy(reference.config, cuda)
    load_hf_weights(policy, reference.state_dict())
    batch = pack(*SEQUENCES)
    with torch.no_grad():
        assert (policy_logits(policy, on(cuda, batch)).cpu() - hf_logits(reference, batch)).abs().max() < 1e-3


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("name", ["qwen2-tied", "qwen3", "llama3-rope"])
def test_bfloat16_with_flash_attention_is_the_cpu_within_rounding(cuda, cpu, name, recompute):
    batch = pack(*SEQUENCES)
    here, there = policy_on(cpu, name, torch.float32), policy_on(cuda, name, torch.bfloat16, recompute=recompute)
    expected, got = backward(here, batch), backward(there, batch)
    for ours, theirs in ((got.logprobs_M, expected.logprobs_M), (got.entropy_M, expected.entropy_M)):
        assert ours.dtype == torch.float32
        assert (ours.cpu() - theirs).abs().mean() < 2 * EPS and (ours.cpu() - theirs).abs().max() < 16 * EPS
    gradients = {key: parameter.grad.float().cpu() for key, parameter in there.model.named_parameters()}
    for key, parameter in here.model.named_parameters():
        assert (gradients[key] - parameter.grad).norm() < 8 * EPS * parameter.grad.norm(), key


def train(policy, optimizer, steps):
    norms = []
    for _ in range(steps):
        optimizer.zero_grad()
        for sequence, mask in zip(*SEQUENCES, strict=True):
            if mask[1:].any():
                backward(policy, pack([sequence], [mask]))
        norms.append(optimizer.step(1e-3))
    return norms


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_megatrons_optimizer_takes_the_steps_of_the_cpus(cuda, cpu, dtype):
    here, there = (policy_on(runtime, "qwen2-tied", dtype) for runtime in (cpu, cuda))
    expected = train(here, AdamW(here, SETTINGS), 3)
    assert expected[0] > SETTINGS.max_grad_norm, "the clip must be at work"
    rounding = 1e-4 if dtype == torch.float32 else 4 * EPS
    assert train(there, build_optimizer(there, SETTINGS), 3) == pytest.approx(expected, rel=rounding)
    weights = dict(PolicyWeights(here))
    for name, tensor in PolicyWeights(there):
        # Adam divides by what may be nearly zero: where a gradient is rounding, its sign is anybody's guess.
        close = torch.isclose(tensor.cpu().float(), weights[name].float(), rtol=2 * EPS, atol=1e-3)
        assert close.float().mean() > 0.99, name


def test_an_update_too_small_for_bfloat16_is_not_lost(cuda):
    policy = policy_on(cuda, "qwen2-tied", torch.bfloat16)
    parameter = policy.model.decoder.layers[0].mlp.linear_fc1.weight
    before, large = parameter.detach().clone(), parameter.detach().abs() > 0.05
    optimizer = build_optimizer(policy, OptimizerSettings(weight_decay=0.0, max_grad_norm=0.0))
    for step in range(1, 501):
        optimizer.zero_grad()
        for each in policy.model.parameters():
            each.main_grad.fill_(1.0)
        optimizer.step(1e-6)
        if step == 1:
            assert torch.equal(parameter[large], before[large])
    assert (parameter[large] != before[large]).float().mean() > 0.2


def test_a_checkpoint_comes_back_bit_for_bit(cuda, tmp_path):
    one, two = (policy_on(cuda, "qwen2-untied", torch.bfloat16) for _ in range(2))
    optimizer, twin = (build_optimizer(policy, SETTINGS) for policy in (one, two))
    train(one, optimizer, 2)
    save_sharded(tmp_path / "checkpoint", one, optimizer)
    load_sharded(tmp_path / "checkpoint", two, twin)
    assert train(one, optimizer, 1) == pytest.approx(train(two, twin, 1), rel=EPS)
    weights = dict(PolicyWeights(one))
    assert all(torch.allclose(tensor, weights[name], rtol=2 * EPS) for name, tensor in PolicyWeights(two))


def test_memory_holds_no_row_of_the_vocabulary_beyond_a_chunk(cuda):
    """8192 tokens by a vocabulary of 151,936 are 5 GB of float32 logits, and as much of their gradient."""
    config = CONFIGS["qwen2-tied"]()
    config.vocab_size, config.max_position_embeddings = 151_936, 8192
    policy = build_policy(config, cuda, dtype=torch.bfloat16)
    init_weights(policy, seed=0)
    batch = on(cuda, pack(*random_sequences([8192], vocab_size=151_936)))
    torch.cuda.reset_peak_memory_stats()
    stats = token_stats(policy, batch, chunk_tokens=512)
    weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
    assert torch.cuda.max_memory_allocated() < 2.5e9


RECIPE = f"""
name = "gpu"
device = "cuda"
{MICRO}[[stages]]
steps = 4
context_tokens = 24
prompts = 6
group = 6
[optimizer]
lr = 3e-4
[eval]
k = 2
[checkpoint]
every = 2
"""


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "gpu.toml").write_text(RECIPE)
    return tmp_path / "gpu.toml"


def largest_gap(folder):
    return max(row["mismatch/mean_abs"] for row in numbers(folder) if "mismatch/mean_abs" in row)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_whole_run(cache, recipe, tmp_path, dtype):
    run_fresh(cache, "train", recipe, "--run-dir", tmp_path / "run", "--model.dtype", dtype)
    assert len(numbers(tmp_path / "run")) == 5 and largest_gap(tmp_path / "run") < (
        1e-4 if dtype == "float32" else 0.05
    )


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs: NCCL between them")
@pytest.mark.parametrize("layout", ["--parallel.tensor", "--parallel.data"])
def test_two_gpus_give_the_numbers_of_one(cache, recipe, tmp_path, layout):
    run_fresh(cache, "train", recipe, "--run-dir", tmp_path / "one")
    run_fresh(cache, "train", recipe, "--run-dir", tmp_path / "two", "--nproc", "2", layout, "2")
    for one, two in zip(numbers(tmp_path / "one")[:3], numbers(tmp_path / "two")[:3], strict=True):
        for key in ("loss/total", "policy/entropy", "reward/mean"):
            assert two.get(key, 0) == pytest.approx(one.get(key, 0), rel=1e-2, abs=1e-3), (one["step"], key)


@pytest.mark.vllm
@pytest.mark.parametrize("settings", [("--rollout.vllm.sleep", "true"), ("--rollout.vllm.sleep", "false")])
def test_vllm_on_the_same_gpu_takes_every_push_over_ipc(cache, recipe, tmp_path, settings):
    """Every push is proven inside the run, which stops where a tensor or a log-prob differs."""
    pytest.importorskip("vllm")
    engine = ("--rollout.engine", "vllm", "--rollout.transfer", "ipc", "--rollout.vllm.memory_share", "0.3")
    run_fresh(cache, "train", recipe, "--run-dir", tmp_path / "run", "--model.dtype", "bfloat16", *engine, *settings)
    assert len(numbers(tmp_path / "run")) == 5 and largest_gap(tmp_path / "run") < 0.05
