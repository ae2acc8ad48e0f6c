"""A bfloat16 policy on the CPU: as good as its 8 bits, with float32 master weights, gradients and reductions."""

import sys
from pathlib import Path

import pytest
import torch

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.checkpoint.sharded import load_sharded, save_sharded
from or1_trainer.policy.hf_weights.weights import PolicyWeights, load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.token_stats import token_stats

sys.path.append(str(Path(__file__).parent / "megatron_workers"))
sys.path.append(str(Path(__file__).parent))

from forked import run_workers
from layout_steps import same_state
from megatron_cases import CONFIGS, hf_model, pack, random_sequences, weighted_loss

BATCHES = [pack(*random_sequences(lengths, seed=seed)) for seed, lengths in enumerate(([17, 40, 3], [64, 1, 33]))]
EPS = 2.0**-8


def build(runtime, name, dtype):
    """A policy whose weights bfloat16 can hold, and its optimizer."""
    reference = hf_model(name, torch.float32)
    policy = build_policy(reference.config, runtime, dtype=dtype)
    load_hf_weights(policy, {key: value.bfloat16().float() for key, value in reference.state_dict().items()})
    return policy, build_optimizer(policy, OptimizerSettings(weight_decay=0.0, max_grad_norm=0.0))


def backward(policy, batch):
    stats = token_stats(policy, batch, temperature=0.9, chunk_tokens=13)
    weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
    return stats


@pytest.mark.parametrize("name", CONFIGS)
def test_statistics_and_gradients_are_float32s_within_rounding(runtime, name):
    (wide, wide_optimizer), (narrow, optimizer) = (
        build(runtime, name, dtype) for dtype in (torch.float32, torch.bfloat16)
    )
    wide_optimizer.zero_grad(), optimizer.zero_grad()
    for batch in BATCHES:
        expected, got = backward(wide, batch), backward(narrow, batch)
        assert got.logprobs_M.dtype == got.entropy_M.dtype == torch.float32
        for ours, theirs in ((got.logprobs_M, expected.logprobs_M), (got.entropy_M, expected.entropy_M)):
            assert 0 < (ours - theirs).abs().mean() < 2 * EPS and (ours - theirs).abs().max() < 16 * EPS
    assert all(parameter.grad is None for parameter in narrow.model.parameters()), "it went into the float32 sum"
    gradients = {name: master.grad for name, master in optimizer._masters.items()}
    for key, parameter in wide.model.named_parameters():
        error = (gradients[key] - parameter.grad).norm() / parameter.grad.norm()
        assert error < 8 * EPS, (key, float(error))


def test_gradients_of_micro_batches_are_added_in_float32(runtime):
    policy, optimizer = build(runtime, "qwen2-tied", torch.bfloat16)
    sums = []
    for batches in (BATCHES[:1], BATCHES[1:], BATCHES):
        optimizer.zero_grad()
        for batch in batches:
            backward(policy, batch)
        sums.append([master.grad for master in optimizer._masters.values()])
    assert all(torch.equal(both, one + other) for one, other, both in zip(*sums, strict=True))
    assert not all(torch.equal(both, both.bfloat16().float()) for both in sums[2]), "their sum needs more than 8 bits"


def test_an_update_too_small_for_bfloat16_is_not_lost(runtime):
    """Adam's first steps move each weight by the rate, 1e-6; from 0.05 on bfloat16 numbers are 1e-4 and more apart."""
    policy, optimizer = build(runtime, "qwen2-tied", torch.bfloat16)
    parameter = policy.model.decoder.layers[0].mlp.linear_fc1.weight
    before, master = parameter.detach().clone(), optimizer.state["master"]["decoder.layers.0.mlp.linear_fc1.weight"]
    start, large = master.clone(), parameter.detach().abs() > 0.05
    steps = 500
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        for each in optimizer._masters.values():
            each.grad = torch.ones_like(each)
        optimizer.step(1e-6)
        if step == 1:
            assert large.float().mean() > 0.3 and torch.equal(parameter[large], before[large]), "nothing is seen of it"
            assert torch.allclose(start - master, torch.full_like(start, 1e-6), rtol=0.05)
    assert torch.allclose(start - master, torch.full_like(start, steps * 1e-6), rtol=0.05)
    assert torch.equal(parameter, master.bfloat16())
    assert (parameter[large] != before[large]).float().mean() > 0.2, "they add up to what is seen"


def test_a_checkpoint_keeps_the_master_weights(runtime, tmp_path):
    policy, optimizer = build(runtime, "qwen2-untied", torch.bfloat16)
    for batch in BATCHES:
        optimizer.zero_grad()
        backward(policy, batch)
        optimizer.step(1e-5)
    save_sharded(tmp_path / "checkpoint", policy, optimizer)
    twin, twin_optimizer = build(runtime, "qwen2-untied", torch.bfloat16)
    load_sharded(tmp_path / "checkpoint", twin, twin_optimizer)
    assert same_state(optimizer, twin_optimizer)
    for one, its_optimizer in ((policy, optimizer), (twin, twin_optimizer)):
        its_optimizer.zero_grad()
        backward(one, BATCHES[0])
        its_optimizer.step(1e-5)
    assert same_state(optimizer, twin_optimizer)
    exported = dict(PolicyWeights(twin))
    assert all(tensor.dtype == torch.bfloat16 for tensor in exported.values())
    assert all(torch.equal(tensor, exported[name]) for name, tensor in PolicyWeights(policy))


def test_two_ranks_reduce_in_float32_with_either_optimizer(tmp_path):
    # AMX sums bfloat16 products in another order for the two models' layouts: later steps would differ by 2.4e-5
    scalar = {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"}
    run_workers("cuda_is_cpu.py", 2, OR1_TEST_SCRATCH=str(tmp_path), OR1_TEST_DTYPE="bfloat16", **scalar)
