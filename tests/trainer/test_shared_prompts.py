"""Attention with prompts that several responses share: the numbers and gradients of whole sequences (float64)."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.policy import attention, attention_layout
from or1_trainer.policy.attention import varlen_attention
from or1_trainer.policy.attention_layout import packed_sequences
from or1_trainer.policy.block_attention import block_attention
from or1_trainer.policy.hf_weights.weights import load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.token_stats import token_stats

sys.path.append(str(Path(__file__).parent / "megatron_workers"))
sys.path.append(str(Path(__file__).parent))

from forked import run_workers
from megatron_cases import hf_gradients, hf_model, largest_difference, shared_samples, weighted_loss

GROUPS, HEADS, DIM = 2, 3, 8
DRAWN = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), min_size=1, max_size=9)


def slow_attention(query, key, value, batch):
    """Token by token: a piece's queries see its prompt's keys, and those of its own piece up to themselves."""
    bounds, output = batch.cu_seqlens_K1.tolist(), torch.zeros_like(query)
    for piece, prefix in enumerate(batch.prefix_K.tolist()):
        before = [] if prefix < 0 else list(range(bounds[prefix], bounds[prefix + 1]))
        for row in range(bounds[piece], bounds[piece + 1]):
            seen = [*before, *range(bounds[piece], row + 1)]
            scores = torch.einsum("grd,sgd->grs", query[row], key[seen]) * DIM**-0.5
            output[row] = torch.einsum("grs,sgd->grd", scores.softmax(-1), value[seen])
    return output


def flash_of_the_processor(query, key, value, ends, key_ends, *_, window_size, enable_gqa):
    """What torch documents of `varlen_attn`, causal mask aligned at the end as in flash attention, one piece each."""
    assert window_size == (-1, 0) and enable_gqa
    rows = []
    for q, k in zip(ends.diff().tolist(), key_ends.diff().tolist(), strict=True):
        first, first_key = sum(len(part) for part in rows), int(key_ends[len(rows)])
        mask = torch.ones(q, k, dtype=torch.bool).tril(k - q)
        parts = query[first : first + q], key[first_key : first_key + k], value[first_key : first_key + k]
        attend = torch.nn.functional.scaled_dot_product_attention
        rows.append(attend(*(part.transpose(0, 1) for part in parts), mask, enable_gqa=True).transpose(0, 1))
    return torch.cat(rows)


def ours(kind, query, key, value, batch, monkeypatch):
    """The blocks of matrix products, or the path of variable-length kernels on a kernel of the processor."""
    if kind == "blocks":
        return block_attention(query, key, value, packed_sequences(batch, 0, None, heads=GROUPS * HEADS).blocks)
    import torch.nn.attention.varlen as torch_varlen

    monkeypatch.setattr(torch_varlen, "varlen_attn", flash_of_the_processor)
    packed = packed_sequences(batch, 0, None, heads=None)
    return varlen_attention(query, key, value, packed).view_as(query)


@pytest.mark.parametrize("scores", [2**21, 1000])
@pytest.mark.parametrize("kind", ["blocks", "varlen"])
@settings(max_examples=8, deadline=None)
@given(drawn=DRAWN, seed=st.integers(0, 9))
def test_outputs_and_gradients_are_those_of_the_formula(kind, scores, drawn, seed):
    lengths = (1, 2, 19, 40)
    samples = [Sample(prompt_ids=[k] * lengths[k], response_ids=[5] * n, advantage=0.0) for k, n in drawn]
    batch = pack(samples)
    stream = torch.Generator().manual_seed(seed)
    shapes = [(len(batch.token_ids_T), GROUPS, *rest) for rest in ((HEADS, DIM), (DIM,), (DIM,))]
    leaves = [torch.randn(shape, generator=stream, dtype=torch.float64, requires_grad=True) for shape in shapes]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(attention_layout, "_SCORES", scores)
        monkeypatch.setattr(attention_layout, "_MIN_ROWS", 1)
        output = ours(kind, *leaves, batch, monkeypatch)
        weights = torch.randn(output.shape, generator=stream, dtype=torch.float64)
        got = torch.autograd.grad((output * weights).sum(), leaves)
    expected_output = slow_attention(*leaves, batch)
    expected = torch.autograd.grad((expected_output * weights).sum(), leaves)
    assert torch.allclose(output, expected_output, rtol=0, atol=1e-12)
    assert all(torch.allclose(a, b, rtol=0, atol=1e-11) for a, b in zip(got, expected, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_in_narrow_dtypes_the_output_is_right_within_their_rounding(dtype):
    batch = pack([Sample(prompt_ids=[k] * 30, response_ids=[5] * (20 + k), advantage=0.0) for k in (0, 0, 1, 1, 1)])
    stream = torch.Generator().manual_seed(1)
    shapes = [(len(batch.token_ids_T), GROUPS, *rest) for rest in ((HEADS, DIM), (DIM,), (DIM,))]
    leaves = [torch.randn(shape, generator=stream, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]
    output = block_attention(*leaves, packed_sequences(batch, 0, None, heads=GROUPS * HEADS).blocks)
    grads = torch.autograd.grad(output.sum(), leaves)
    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    expected = slow_attention(*wide, batch)
    expected_grads = torch.autograd.grad(expected.sum(), wide)
    eps = torch.finfo(dtype).eps
    assert output.dtype == dtype and (output - expected).abs().max() < 16 * eps
    for got, right in zip(grads, expected_grads, strict=True):
        assert got.dtype == dtype and (got - right).norm() < 4 * eps * right.norm()


def as_one_piece(batch):
    """Prompt and response as one sequence."""
    return replace(batch, prefix_K=np.array([-1]), cu_seqlens_K1=batch.cu_seqlens_K1[[0, 2]])


def stats_and_gradients(policy, batches):
    policy.model.zero_grad()
    found = []
    for batch, offset in batches:
        stats = token_stats(policy, batch, temperature=0.9, chunk_tokens=50)
        weighted_loss(stats.logprobs_M, stats.entropy_M, offset=offset).backward()
        found.append(torch.stack((stats.logprobs_M, stats.entropy_M)).detach())
    return torch.cat(found, 1), hf_gradients(policy)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("name", ["qwen2-tied", "qwen3", "llama3-rope"])
def test_shared_prompts_change_neither_the_loss_nor_a_gradient(runtime, name, recompute):
    reference = hf_model(name, torch.float64)
    policy = build_policy(reference.config, runtime, dtype=torch.float64, recompute=recompute)
    load_hf_weights(policy, reference.state_dict())
    samples = shared_samples()
    together, gradients = stats_and_gradients(policy, [(pack(samples), 0)])
    ends = torch.tensor([0, *(len(sample.response_ids) for sample in samples)]).cumsum(0).tolist()
    alone, expected = stats_and_gradients(policy, [(pack([s]), ends[i]) for i, s in enumerate(samples)])
    assert torch.allclose(together, alone, rtol=0, atol=1e-12)
    assert largest_difference(gradients, expected) < 1e-10
    # and both are what whole sequences in one row give
    whole = [as_one_piece(pack([sample])) for sample in samples]
    rows, expected = stats_and_gradients(policy, [(batch, ends[i]) for i, batch in enumerate(whole)])
    assert torch.allclose(together, rows, rtol=0, atol=1e-12)
    assert largest_difference(gradients, expected) < 1e-10


def test_long_prompts_and_responses_are_shared_too(runtime):
    """More keys than a block of scores holds rows for: a response in several blocks behind a prompt of 1,500 tokens."""
    reference = hf_model("qwen2-tied", torch.float64)
    reference.config.max_position_embeddings = 4096
    policy = build_policy(reference.config, runtime, dtype=torch.float64)
    load_hf_weights(policy, reference.state_dict())
    stream = torch.Generator().manual_seed(2)
    prompt = torch.randint(0, 53, (1500,), generator=stream).tolist()
    responses = [torch.randint(0, 53, (n,), generator=stream).tolist() for n in (700, 30)]
    samples = [Sample(prompt_ids=prompt, response_ids=response, advantage=0.0) for response in responses]
    together, gradients = stats_and_gradients(policy, [(pack(samples), 0)])
    alone, expected = stats_and_gradients(policy, [(pack(samples[:1]), 0), (pack(samples[1:]), 700)])
    assert torch.allclose(together, alone, rtol=0, atol=1e-11)
    assert largest_difference(gradients, expected) < 1e-9


def test_shared_prompts_over_two_tensor_ranks(tmp_path):
    run_workers("shared_prompts.py", 2, OR1_TEST_SCRATCH=str(tmp_path))


def test_the_rotation_is_transposed_in_the_backward_pass():
    from or1_trainer.policy.rope import rotate, rotation

    mixed = torch.randn(5, 2, 4, 8, dtype=torch.float64, requires_grad=True)
    turn = rotation(torch.arange(5), torch.rand(4), 1.3, torch.float64)
    assert torch.autograd.gradcheck(lambda x: rotate(x, turn), (mixed,))
    assert attention.rotate is rotate
