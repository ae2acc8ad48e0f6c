"""Packing: what each label and mask position means, budgets, balance."""

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_trainer.algorithm.packing import Sample, balance, cut, microbatches, pack

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=40)


def test_labels_and_mask_name_the_response_tokens_of_each_sequence():
    samples = [
        Sample(prompt_ids=[1, 2, 3], response_ids=[4, 5], advantage=0.5, engine_logprobs=[-0.1, -0.2]),
        Sample(prompt_ids=[6], response_ids=[7, 8, 9], advantage=-1.0, engine_logprobs=[-0.3, -0.4, -0.5]),
    ]
    batch = pack(samples)
    assert batch.token_ids_T.tolist() == [1, 2, 3, 4, 6, 7, 8]  # the last token of a sequence predicts nothing
    assert batch.positions_T.tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert batch.cu_seqlens_K1.tolist() == [0, 4, 7] and batch.max_seqlen == 5 and batch.prefix_K is None
    assert batch.labels_M.tolist() == [4, 5, 7, 8, 9]
    assert batch.token_ids_T[batch.source_M].tolist() == [3, 4, 6, 7, 8]
    assert batch.advantages_M.tolist() == [0.5, 0.5, -1.0, -1.0, -1.0]
    assert torch.allclose(batch.engine_logprobs_M, torch.tensor([-0.1, -0.2, -0.3, -0.4, -0.5]))


@given(LENGTHS, st.integers(1, 5))
def test_balance_deals_every_sequence_once_and_evenly(lengths, ranks):
    shares = balance(lengths, ranks)
    assert sorted(index for share in shares for index in share) == list(range(len(lengths)))
    loads = [sum(lengths[i] for i in share) for share in shares]
    assert max(loads) <= sum(lengths) / ranks + max(lengths)


@given(LENGTHS, st.integers(1, 120))
def test_microbatches_keep_the_budget_and_lose_nothing(lengths, budget):
    bins = microbatches(lengths, budget)
    assert sorted(index for bin_ in bins for index in bin_) == list(range(len(lengths)))
    for bin_ in bins:
        assert len(bin_) == 1 or sum(lengths[i] for i in bin_) <= budget
    fullest_pairs = [sum(lengths[i] for i in bin_) for bin_ in bins]
    assert sum(1 for load in fullest_pairs if load * 2 <= budget) <= 1  # two half-empty bins would have been one


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=20))
def test_a_shared_prompt_is_packed_once_and_every_token_is_predicted_by_the_one_before_it(drawn):
    samples = [
        Sample(prompt_ids=[100 + kind] * (kind + 1), response_ids=list(range(count)), advantage=float(index))
        for index, (kind, count) in enumerate(drawn)
    ]
    batch = pack(samples, share_prompts=True)
    shared = [kind for kind in range(4) if sum(kind == other for other, _ in drawn) > 1]
    once = sum(kind + 1 for kind in {kind for kind, _ in drawn})
    assert batch.token_ids_T.numel() == once + sum(max(0, count - 1) for _, count in drawn)
    assert (batch.prefix_K is None) == (not shared)
    assert batch.labels_M.tolist() == [token for _, count in drawn for token in range(count)]
    positions, before = [], []
    for kind, count in drawn:
        positions += range(kind, kind + count)
        before += [100 + kind, *range(count)][:count]
    assert batch.positions_T[batch.source_M].tolist() == positions
    assert batch.token_ids_T[batch.source_M].tolist() == before


@given(LENGTHS, st.integers(1, 7))
def test_cutting_keeps_prompts_together_and_loses_nothing(lengths, count):
    samples = [
        Sample(prompt_ids=[length % 3], response_ids=[1] * length, advantage=float(index))
        for index, length in enumerate(lengths)
    ]
    parts = cut(samples, count)
    assert 1 <= len(parts) <= count and all(parts)
    flat = [sample for part in parts for sample in part]
    assert sorted(sample.advantage for sample in flat) == [float(index) for index in range(len(samples))]
    changes = sum(a.prompt_ids != b.prompt_ids for a, b in pairwise(flat))
    assert changes == len({sample.prompt_ids[0] for sample in samples}) - 1
    mean = sum(sample.num_tokens for sample in samples) / count
    assert all(sum(s.num_tokens for s in part) <= mean + max(s.num_tokens for s in part) for part in parts)
