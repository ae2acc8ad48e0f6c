"""The policy in one process: logits and gradients against transformers, packing, recomputation, errors."""

import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from transformers import GPT2Config, LlamaConfig, Qwen2Config

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.errors import LayoutError, RuntimeStartError
from or1_trainer.policy.hf_weights.weights import init_weights, load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.parallel import start_runtime
from or1_trainer.policy.token_stats import token_stats

sys.path.append(str(Path(__file__).parent / "megatron_workers"))

from megatron_cases import (
    CONFIGS,
    SMALL,
    hf_gradients,
    hf_logits,
    hf_model,
    largest_difference,
    pack,
    plain_stats,
    policy_logits,
    random_sequences,
    weighted_loss,
)


@pytest.fixture(scope="module")
def batch():
    return pack(*random_sequences([17, 40, 3, 64, 1, 33]))


def _policy(name, runtime, dtype=torch.float64, **options):
    reference = hf_model(name, dtype)
    policy = build_policy(reference.config, runtime, dtype=dtype, **options)
    load_hf_weights(policy, reference.state_dict())
    return policy, reference


@pytest.mark.parametrize("name", CONFIGS)
def test_logits_equal_transformers(name, runtime, batch):
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 5e-6)):
        policy, reference = _policy(name, runtime, dtype)
        with torch.no_grad():
            assert (policy_logits(policy, batch) - hf_logits(reference, batch)).abs().max() < tolerance


@pytest.mark.parametrize("name", ["qwen2-tied", "qwen2-untied", "qwen3"])
def test_statistics_and_gradients_equal_the_plain_formula(name, runtime, batch):
    policy, reference = _policy(name, runtime)
    expected_stats = plain_stats(hf_logits(reference, batch), batch, 0.7)
    weighted_loss(*expected_stats).backward()
    expected = {key: value.grad for key, value in reference.named_parameters()}
    for chunk_tokens in (1000, 7, 1):
        policy.model.zero_grad()
        stats = token_stats(policy, batch, temperature=0.7, chunk_tokens=chunk_tokens)
        assert torch.allclose(stats.logprobs_M, expected_stats[0], rtol=0, atol=1e-12)
        assert torch.allclose(stats.entropy_M, expected_stats[1], rtol=0, atol=1e-12)
        weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
        assert largest_difference(hf_gradients(policy), expected) < 1e-10


def test_without_entropy_only_the_log_probs_are_differentiated(runtime, batch):
    policy, reference = _policy("qwen2-tied", runtime)
    stats = token_stats(policy, batch, with_entropy=False, chunk_tokens=50)
    stats.logprobs_M.sum().backward()
    plain_stats(hf_logits(reference, batch), batch, 1.0)[0].sum().backward()
    expected = {key: value.grad for key, value in reference.named_parameters()}
    assert largest_difference(hf_gradients(policy), expected) < 1e-10
    assert not stats.entropy_M.requires_grad
    assert not stats.entropy_M.any()


def test_no_tensor_larger_than_a_chunk_of_logits(runtime):
    from torch.utils._python_dispatch import TorchDispatchMode

    class Largest(TorchDispatchMode):
        elements = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            for tensor in result if isinstance(result, (tuple, list)) else (result,):
                if isinstance(tensor, torch.Tensor):
                    self.elements = max(self.elements, tensor.untyped_storage().nbytes() // tensor.element_size())
            return result

    vocab_size, chunk_tokens = 4001, 16
    policy = build_policy(Qwen2Config(**SMALL | {"vocab_size": vocab_size}), runtime)
    init_weights(policy, seed=1)
    long = pack(*random_sequences([50] * 6, vocab_size=vocab_size))
    with Largest() as largest:
        stats = token_stats(policy, long, chunk_tokens=chunk_tokens)
        weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
    weight_elements = policy.output_weight.numel()
    assert largest.elements <= max(weight_elements, chunk_tokens * vocab_size)
    assert len(long.source_M) * vocab_size > 2 * largest.elements, "the case must be large enough to tell"


def test_bfloat16_products_are_not_rounded():
    """Logits of bfloat16 numbers are float32: on CUDA by products with `out_dtype`, here by oneDNN."""
    from or1_trainer.policy.token_stats import _FusedStats, _Plan

    torch.manual_seed(0)
    hidden, weight = torch.randn(20, 16).bfloat16(), torch.randn(53, 16).bfloat16()
    labels = torch.randint(0, 53, (20,))
    plan = _Plan(labels, vocab_rows=53, temperature=0.7, chunk_tokens=5, with_entropy=True, group=None)
    narrow = [tensor.clone().requires_grad_() for tensor in (hidden, weight)]
    wide = [tensor.double().requires_grad_() for tensor in (hidden, weight)]
    log_p = torch.log_softmax(wide[0] @ wide[1].t() / 0.7, -1)
    expected = (log_p.gather(1, labels[:, None]).squeeze(1), -(log_p.exp() * log_p).sum(-1))
    weighted_loss(*expected).backward()
    found = _FusedStats.apply(*narrow, plan)
    weighted_loss(*found).backward()
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == torch.float32
        assert (a - b).abs().max() < 1e-5  # bfloat16 logits would be off by about 0.05
    for a, b in zip(narrow, wide, strict=True):
        assert a.grad.dtype == torch.bfloat16
        assert (a.grad - b.grad).abs().max() < 0.02 * b.grad.abs().max()


def test_nothing_to_train_on(runtime):
    policy, _ = _policy("qwen2-tied", runtime)
    sequences, masks = random_sequences([5, 9])
    stats = token_stats(policy, pack(sequences, [torch.zeros_like(mask) for mask in masks]))
    assert stats.logprobs_M.shape == (0,)
    (stats.logprobs_M.sum() + stats.entropy_M.sum()).backward()
    assert all(not gradient.any() for gradient in hf_gradients(policy).values())


def test_packing_changes_nothing(runtime):
    policy, _ = _policy("qwen3", runtime)
    sequences, masks = random_sequences([17, 90, 3, 64, 1, 33, 200, 16])
    with torch.no_grad():
        alone = [policy_logits(policy, pack([s], [m])) for s, m in zip(sequences, masks, strict=True)]
        for order in (range(8), [6, 1, 3, 5, 0, 7, 2, 4]):
            packed = policy_logits(policy, pack([sequences[i] for i in order], [masks[i] for i in order]))
            assert torch.allclose(packed, torch.cat([alone[i] for i in order]), rtol=0, atol=1e-13)


def test_recomputation_gives_the_same_bits(runtime, batch):
    gradients = []
    for recompute in (False, True):
        policy, _ = _policy("qwen3", runtime, torch.float32, recompute=recompute)
        stats = token_stats(policy, batch)
        weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
        gradients.append(hf_gradients(policy))
    assert all(torch.equal(gradients[1][name], gradient) for name, gradient in gradients[0].items())


def test_two_runs_are_bit_identical(runtime, batch):
    runs = []
    for _ in range(2):
        policy = build_policy(CONFIGS["qwen2-tied"](), runtime)
        init_weights(policy, seed=7)
        optimizer = build_optimizer(policy, OptimizerSettings())
        norms = []
        for _ in range(3):
            optimizer.zero_grad()
            stats = token_stats(policy, batch)
            weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
            norms.append(optimizer.step(1e-2))
        runs.append((norms, [parameter.clone() for parameter in policy.model.parameters()]))
    assert runs[0][0] == runs[1][0]
    assert all(torch.equal(a, b) for a, b in zip(runs[0][1], runs[1][1], strict=True))


def test_weights_are_nan_until_they_are_loaded(runtime, batch):
    policy = build_policy(CONFIGS["llama"](), runtime)
    assert policy_logits(policy, batch).isnan().all()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (GPT2Config(), "model_type 'gpt2'"),
        (Qwen2Config(**SMALL, use_sliding_window=True), "use_sliding_window"),
        (Qwen2Config(**SMALL, hidden_act="gelu"), "hidden_act 'gelu'"),
        (LlamaConfig(**SMALL, attention_bias=True), "attention_bias"),
        (LlamaConfig(**SMALL, mlp_bias=True), "mlp_bias"),
        (LlamaConfig(**SMALL, rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}), "'dynamic'"),
    ],
)
def test_what_is_not_supported_is_said(config, said, runtime):
    with pytest.raises(LayoutError, match=said):
        build_policy(config, runtime)


def test_a_job_of_one_process_does_not_form_two_dozen_groups_of_itself(runtime):
    formed = {id(group) for group in dist.distributed_c10d._world.pg_map}
    assert len(formed) == 2, "the world, and one that Megatron asks gloo for by name"
    assert runtime.tensor_group is runtime.data_group


def test_bad_starts_are_said(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(LayoutError, match=r"parallel\.tensor = 2 does not divide the 3 processes"):
        start_runtime(tensor=2, device="cpu")
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeStartError, match="no CUDA device"):
            start_runtime(tensor=1, device="cuda")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(RuntimeStartError, match="rank 1 of 3"):
        start_runtime(tensor=1, device="cpu", timeout_s=1)
